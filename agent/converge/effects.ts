/**
 * Everything the converger wants done in the world, as data, and what comes back. Whoever runs the agent carries
 * effects out: with promises on a real host, in one synchronous step in a simulator.
 */
import type {
  Blueprint,
  HypervisorFault,
  Leaving,
  ObservedDomain,
  VmMetadata,
} from '../hypervisor/hypervisor.js';
import type { VolumeRef, VolumeRequest } from '../hypervisor/hypervisor.js';
import type { ImageRef } from './desired.js';

export type Effect =
  /** Succeeds when this version of the ledger is on disk. */
  | { kind: 'persist'; version: number }
  | { kind: 'inspect'; uid: string }
  | { kind: 'fetchImage'; image: ImageRef; poolPath: string }
  | { kind: 'volumeExists'; volume: VolumeRef }
  | { kind: 'createVolume'; request: VolumeRequest }
  | { kind: 'growVolume'; volume: VolumeRef; sizeMib: number }
  | { kind: 'trashVolume'; volume: VolumeRef }
  | { kind: 'removeVolume'; volume: VolumeRef }
  | { kind: 'define'; blueprint: Blueprint }
  | { kind: 'addVcpus'; uid: string; vcpus: number }
  /** Its disk is in the pool at `poolPath`. */
  | { kind: 'start'; uid: string; term: number; poolPath: string }
  | { kind: 'shutdown'; uid: string }
  | { kind: 'destroy'; uid: string }
  | { kind: 'undefine'; uid: string }
  | { kind: 'reboot'; uid: string }
  | { kind: 'reset'; uid: string }
  | { kind: 'record'; uid: string; metadata: VmMetadata }
  /** Whether a running VM may arrive: this host takes some, and the disk is in sight. */
  | { kind: 'expect'; volume: VolumeRef }
  /** Whether the domain is on its way to another host. */
  | { kind: 'leaving'; uid: string }
  /** Hands the running domain over to `peer`; ends when it is there and no more here, or nothing is under way any more. */
  | { kind: 'migrate'; uid: string; peer: string; peerUri: string }
  | { kind: 'abortMigration'; uid: string };

/** A fetched and verified image. */
export interface FetchedImage {
  path: string;
  /** The disk that a guest will see of it. */
  virtualSizeMib: number;
}

/** What each effect answers with; those that are not named answer with null. */
export interface EffectAnswers {
  inspect: ObservedDomain | null;
  fetchImage: FetchedImage;
  volumeExists: boolean;
  /** MiB. */
  growVolume: number;
  /** Whether the disk is in sight. */
  expect: boolean;
  leaving: Leaving | null;
}

export type Answer<K extends Effect['kind']> = K extends keyof EffectAnswers ? EffectAnswers[K] : null;

export type FaultKind =
  | HypervisorFault
  /** The image or the request breaks a rule of this host; trying again changes nothing. */
  | 'denied'
  /** The converger itself called it off. */
  | 'cancelled';

/** As a gRPC status number, for the scheduler. */
export const statusOf: Record<FaultKind, number> = {
  unavailable: 14,
  timeout: 4,
  absent: 5,
  invalid: 3,
  denied: 9,
  noSpace: 8,
  failed: 13,
  cancelled: 1,
};

export interface Fault {
  kind: FaultKind;
  message: string;
}

export type EffectResult = { ok: true; value: Answer<Effect['kind']> } | { ok: false; fault: Fault };

/** A long sequence: yields effects, is resumed with their results, and can be abandoned at any yield. */
export type Program<R> = Generator<Effect, R, EffectResult>;

/** Thrown inside a program by an effect that failed. */
export class EffectFailed extends Error {
  constructor(
    readonly effect: Effect,
    readonly fault: Fault,
  ) {
    super(fault.message);
  }
}

/**
 * Yields one effect and returns its answer. The runner answers each effect with the type that `EffectAnswers`
 * names for it; this cast is where that promise is taken.
 */
export function* perform<E extends Effect>(effect: E): Program<Answer<E['kind']>> {
  const result = yield effect;
  if (!result.ok) throw new EffectFailed(effect, result.fault);
  return result.value as Answer<E['kind']>;
}
