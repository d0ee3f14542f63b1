/**
 * One simulation from its seed. The ids that the API draws come from the seed as well: they are in the journal, and a
 * replay is to be the same to the byte.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { Violation } from './checker/violation.js';
import { weightedDeeds } from './deeds.js';
import { weightedFaults } from './faults.js';
import { type Scale, usualScale } from './federation.js';
import { Random } from './random.js';
import { type Entry, scriptOf } from './script.js';
import { World } from './world.js';

export interface Run {
  seed: number;
  hours: number;
  scale?: Scale;
  /** Instead of the seed's own. */
  script?: readonly Entry[];
}

export interface Result {
  seed: number;
  violation: Violation | null;
  script: readonly Entry[];
  /** The last of what befell it. */
  events: readonly string[];
  simulatedMs: number;
  steps: number;
  decisions: number;
  vms: number;
  calls: Readonly<Record<string, number>>;
  /** Of the journal, at the end. */
  hash: string;
}

const deedsPerHour = 300;
const faultsPerHour = 50;
const fillingForMs = 240_000;

export function scriptOfSeed({ seed, hours, scale = usualScale }: Run): Entry[] {
  return scriptOf({
    seed,
    hours,
    faultsPerHour,
    deedsPerHour,
    faults: weightedFaults,
    deeds: weightedDeeds,
    filling: { what: 'create', count: scale.vms, forMs: fillingForMs },
  });
}

export function simulate(run: Run): Result {
  const { seed, hours, scale = usualScale, script = scriptOfSeed(run) } = run;
  const ids = new Random(seed).fork('ids');
  const drawn = crypto.randomUUID;
  crypto.randomUUID = () => ids.uuid() as ReturnType<typeof crypto.randomUUID>;
  syncBuiltinESMExports();
  try {
    const world = new World({ seed, scale });
    world.play(script, hours * 3600_000);
    return {
      seed,
      violation: world.violation,
      script,
      events: world.events,
      simulatedMs: world.timeline.nowMs,
      steps: world.timeline.steps,
      decisions: world.scheduler.disk.head.sequence,
      vms: world.lineage.state.vms.size,
      calls: world.portal.counts,
      hash: world.scheduler.disk.head.hash.toString('hex'),
    };
  } finally {
    crypto.randomUUID = drawn;
    syncBuiltinESMExports();
  }
}
