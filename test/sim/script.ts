/**
 * What befalls a federation, written down before it happens: when, what, and a seed for everything else about it. A script
 * with entries left out is played as the whole one is, so that a failure can be shrunk to the few entries that it needs.
 */
import { Random } from './random.js';

export interface Entry {
  atMs: number;
  /** Of `deeds` or of `faults`. */
  what: string;
  seed: number;
}

export interface Weighted {
  what: string;
  weight: number;
}

export interface ScriptOptions {
  seed: number;
  hours: number;
  faultsPerHour: number;
  deedsPerHour: number;
  faults: readonly Weighted[];
  deeds: readonly Weighted[];
  /** What fills the federation in its first minutes: so many deeds of this kind. */
  filling: { what: string; count: number; forMs: number };
}

const hourMs = 3600_000;

export function scriptOf(options: ScriptOptions): Entry[] {
  const random = new Random(options.seed).fork('script');
  const lengthMs = options.hours * hourMs;
  const entries: Entry[] = [];
  const add = (what: string, fromMs: number, toMs: number) =>
    entries.push({ atMs: random.whole(fromMs, toMs), what, seed: random.word() });
  const { filling } = options;
  for (let count = 0; count < filling.count; count += 1) add(filling.what, 5000, filling.forMs);
  const some = (weighted: readonly Weighted[], count: number, fromMs: number) => {
    const sum = weighted.reduce((all, { weight }) => all + weight, 0);
    for (let index = 0; index < count; index += 1) {
      let at = random.unit() * sum;
      const chosen = weighted.find(({ weight }) => {
        at -= weight;
        return at < 0;
      });
      if (chosen !== undefined) add(chosen.what, fromMs, lengthMs);
    }
  };
  some(options.deeds, Math.round(options.deedsPerHour * options.hours), filling.forMs);
  some(options.faults, Math.round(options.faultsPerHour * options.hours), 30_000);
  return entries.sort((a, b) => a.atMs - b.atMs);
}
