/**
 * Between the agent's own words and the messages of the contract. Every field that goes out or comes in over the
 * link is spelled here and nowhere else.
 */
import type {
  Checkpoint__Output,
  Checkpoint as WireCheckpoint,
} from '../../proto/gen/secovia/v1/Checkpoint.js';
import type { Epoch__Output, Epoch as WireEpoch } from '../../proto/gen/secovia/v1/Epoch.js';
import type { FenceOrder__Output } from '../../proto/gen/secovia/v1/FenceOrder.js';
import type { FenceResult as WireFenceResult } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { FenceTarget } from '../../proto/gen/secovia/v1/FenceTarget.js';
import type { Observation } from '../../proto/gen/secovia/v1/Observation.js';
import type { Orphan as WireOrphan } from '../../proto/gen/secovia/v1/Orphan.js';
import type { Checkpoint, Epoch } from '../converge/epoch.js';
import type { VmObservation, VmState } from '../converge/observation.js';
import { oneLine } from '../converge/one-line.js';
import type { FenceResult } from '../fencing/desk.js';
import type { FenceOrder, FenceOutcome } from '../fencing/fence.js';
import type { FenceTargetState } from '../fencing/target-watch.js';
import type { Orphan } from '../orphans.js';

/** The link's own version; N and N±1 work together. */
export const protocolVersion = 2;

const domainStates: Record<VmState, NonNullable<Observation['state']>> = {
  absent: 'DOMAIN_STATE_ABSENT',
  awaited: 'DOMAIN_STATE_AWAITED',
  preparing: 'DOMAIN_STATE_PREPARING',
  starting: 'DOMAIN_STATE_STARTING',
  running: 'DOMAIN_STATE_RUNNING',
  stopping: 'DOMAIN_STATE_STOPPING',
  stopped: 'DOMAIN_STATE_STOPPED',
  guestShutdown: 'DOMAIN_STATE_GUEST_SHUTDOWN',
  crashed: 'DOMAIN_STATE_CRASHED',
  paused: 'DOMAIN_STATE_PAUSED',
  missing: 'DOMAIN_STATE_MISSING',
  refused: 'DOMAIN_STATE_REFUSED',
  unknown: 'DOMAIN_STATE_UNKNOWN',
};

export function observationMessage(observation: VmObservation): Observation {
  const { uid, term, generation, state, rebootCount, error, progress, numaCells = [] } = observation;
  const { sinceWallMs, size, toldGeneration, released = false } = observation;
  return {
    uid,
    term,
    generation,
    state: domainStates[state],
    rebootCount,
    error: error === null ? null : { code: error.code, message: error.message, details: [] },
    observeTime: { seconds: Math.floor(sinceWallMs / 1000), nanos: (Math.floor(sinceWallMs) % 1000) * 1e6 },
    progress,
    numaCells: [...numaCells],
    size,
    toldGeneration,
    released,
  };
}

export function epochMessage(epoch: Epoch | null): WireEpoch | null {
  return epoch === null ? null : { ...epoch };
}

/** Null when the epoch is missing or names no instance: then nobody can be held to it. */
export function readEpoch(epoch: Epoch__Output | null): Epoch | null {
  if (epoch === null || epoch.instance === '') return null;
  const { incarnation, counter, instance } = epoch;
  return { incarnation, counter, instance };
}

export function checkpointMessage(checkpoint: Checkpoint | null): WireCheckpoint | null {
  if (checkpoint === null) return null;
  return {
    incarnation: checkpoint.incarnation,
    sequence: checkpoint.sequence,
    hash: Buffer.from(checkpoint.hashHex, 'hex'),
    signature: Buffer.from(checkpoint.signatureBase64, 'base64'),
  };
}

export function readCheckpoint(checkpoint: Checkpoint__Output | null): Checkpoint | null {
  if (checkpoint === null || checkpoint.hash.length === 0) return null;
  return {
    incarnation: checkpoint.incarnation,
    sequence: checkpoint.sequence,
    hashHex: Buffer.from(checkpoint.hash).toString('hex'),
    signatureBase64: Buffer.from(checkpoint.signature).toString('base64'),
  };
}

const fenceOutcomes: Record<FenceOutcome, NonNullable<WireFenceResult['outcome']>> = {
  off: 'FENCE_OUTCOME_OFF',
  failed: 'FENCE_OUTCOME_FAILED',
  unmatched: 'FENCE_OUTCOME_UNMATCHED',
};
const longestFenceMessage = 1_999;
const longestProblem = 500;

export function fenceResultMessage({ id, outcome, method, message }: FenceResult): WireFenceResult {
  return { id, outcome: fenceOutcomes[outcome], method, message: oneLine(message, longestFenceMessage) };
}

/** A host with another kind of name is none that is in anybody's settings. */
export function readFenceOrder({ id, host, controllerGuid }: FenceOrder__Output): FenceOrder {
  return { id, host: host.startsWith('hosts/') ? host.slice('hosts/'.length) : '', controllerGuid };
}

export function fenceTargetMessage({ host, methods, guid, problem }: FenceTargetState): FenceTarget {
  return { host: `hosts/${host}`, methods, controllerGuid: guid, problem: oneLine(problem, longestProblem) };
}

export function orphanMessage(orphan: Orphan): WireOrphan {
  const { uid, kind, vmName, running, vcpus, memoryMib, diskMib, poolPath, imageSha256, problem } = orphan;
  const { extras = {}, hugepageKib = 0, cells = [], dedicatedCpus = false } = orphan.hardware ?? {};
  const { term, generation, rebootCount } = orphan;
  return {
    uid,
    kind: kind === 'domain' ? 'ORPHAN_KIND_DOMAIN' : 'ORPHAN_KIND_DISK',
    vmName,
    running,
    resources: { vcpus, memoryMib, diskMib, vms: 0, extras },
    hugepageSizeKib: hugepageKib,
    numaCells: [...cells],
    dedicatedCpus,
    storagePoolPath: poolPath,
    imageDigest: imageSha256 === '' ? '' : `sha256:${imageSha256}`,
    term,
    generation,
    rebootCount,
    problem: oneLine(problem, longestProblem),
  };
}
