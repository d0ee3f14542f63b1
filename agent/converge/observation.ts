/**
 * One VM as the agent sees it: what becomes the contract's Observation. Two observations are compared without
 * their time, so that what the scheduler already knows is never sent again (PROTOCOL.md S4).
 */
import type { VmSize } from './desired.js';
import type { VmError } from './ledger.js';

export type VmState =
  | 'absent'
  | 'awaited'
  | 'preparing'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'guestShutdown'
  | 'crashed'
  | 'paused'
  | 'missing'
  | 'refused'
  | 'unknown';

export interface VmObservation {
  uid: string;
  term: number;
  /** The newest generation that was reached. */
  generation: number;
  state: VmState;
  rebootCount: number;
  error: VmError | null;
  progress: string;
  /** The cells of the host that it was given; left out when it has none. */
  numaCells?: readonly number[];
  /** What the domain has now; left out when there is none. A `diskMib` of 0 is not known. */
  size?: VmSize | undefined;
  /** The generation of the word that was obeyed last: what `error` is about. */
  toldGeneration: number;
  /** This host was told that it does not have the VM any more, and is not done with it yet. */
  released?: boolean;
  /** When this state began, in milliseconds of the wall clock. */
  sinceWallMs: number;
}

/** Equal for observations that say the same. */
export function fingerprint(observation: VmObservation): string {
  const { uid, term, generation, state, rebootCount, error, progress, size, toldGeneration } = observation;
  const { released = false } = observation;
  const fault = error === null ? null : [error.code, error.message, toldGeneration];
  return JSON.stringify([uid, term, generation, state, rebootCount, fault, progress, size, released]);
}

/** States in which something is wrong that a human may want to see. */
export function isTroubled(observation: VmObservation): boolean {
  const { state, error } = observation;
  return error !== null || ['crashed', 'paused', 'missing', 'refused', 'unknown'].includes(state);
}
