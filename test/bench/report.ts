/**
 * What a benchmark says: figures, each named with its unit, and promises, each a figure held against a bound. People
 * read the text; programs read the JSON.
 */
import { cpus, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';

export interface Promised {
  name: string;
  value: number;
  bound: { least?: number; most?: number };
  holds: boolean;
}

export interface BenchReport {
  figures: Record<string, number>;
  promises: Promised[];
}

export class Report {
  readonly #figures: Record<string, number> = {};
  readonly #promises: Promised[] = [];

  /** The unit is part of the name, as in `creates per second`. */
  figure(name: string, value: number): void {
    this.#figures[name] = round(value);
  }

  promise(name: string, value: number, bound: { least?: number; most?: number }): void {
    const holds = value >= (bound.least ?? -Infinity) && value <= (bound.most ?? Infinity);
    this.#promises.push({ name, value: round(value), bound, holds });
  }

  get result(): BenchReport {
    return { figures: this.#figures, promises: this.#promises };
  }
}

/** Four significant digits say all that such a machine can. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The median of the rounds' ratios: each compares what was measured side by side. */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((rate, round) => rate / (theirs[round] as number)));
}

/** What machine the figures are from. */
export function machineFacts(): string {
  const model = cpus()[0]?.model ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  return `${model}, ${cpus().length} cores, ${memory} GiB, Node ${process.versions.node}, load ${load}`;
}

export function printReport(report: BenchReport, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const width = Math.max(
    ...[...Object.keys(report.figures), ...report.promises.map((p) => p.name)].map((n) => n.length),
  );
  for (const [name, value] of Object.entries(report.figures)) {
    process.stdout.write(`  ${name.padEnd(width)}  ${value}\n`);
  }
  process.stdout.write('\nPromises\n');
  for (const { name, value, bound, holds } of report.promises) {
    const words = [
      ...(bound.least === undefined ? [] : [`at least ${bound.least}`]),
      ...(bound.most === undefined ? [] : [`at most ${bound.most}`]),
    ].join(', ');
    process.stdout.write(`  ${holds ? 'holds ' : 'BROKEN'}  ${name.padEnd(width)}  ${value}  (${words})\n`);
  }
}
