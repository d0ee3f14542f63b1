/**
 * What the agent remembers of one VM while it runs, and may forget: when a stop was begun, how often the guest
 * crashed lately, what failed last. Losing it (a restart of the agent) only makes the agent more patient, never
 * less safe; what must not be lost is in the ledger or in the domain's own metadata.
 */
import { type ObservedDomain, startingUp, type VmMetadata } from '../hypervisor/hypervisor.js';
import { specHash } from './desired.js';
import type { FaultKind } from './effects.js';
import type { Permit, VmError } from './ledger.js';

export interface Failure {
  /** The step that failed. */
  step: string;
  kind: FaultKind;
  error: VmError;
  count: number;
  firstAt: number;
  retryAt: number;
}

export interface VmMemory {
  /** Restarts after a crash since it last ran for long enough. */
  crashes: number;
  /** When it may be started again after a crash; null when no crash is being dealt with. */
  startAfter: number | null;
  runningSince: number | null;
  /** Since when the hypervisor says that it is starting it, while no start of this agent is under way. */
  startingSince: number | null;
  /** The generation that this process started it for last. */
  startedGeneration: number;
  stop: { generation: number; begunAt: number; pressAt: number } | null;
  /** A graceful reboot that the guest has not carried out yet. */
  rebootUntil: number | null;
  failure: Failure | null;
  /** Defined by this process, under this term, and not seen running since: no guest has written to its disk. */
  untouchedTerm: number | null;
  /** The hand-over that failed last: not tried again for this generation. */
  failedHandover: { generation: number; error: VmError } | null;
  /** For which word the disk of a VM that is to arrive was found. */
  diskSeen: { term: number; generation: number } | null;
}

export const newMemory = (): VmMemory => ({
  crashes: 0,
  startAfter: null,
  runningSince: null,
  startingSince: null,
  startedGeneration: 0,
  stop: null,
  rebootUntil: null,
  failure: null,
  untouchedTerm: null,
  failedHandover: null,
  diskSeen: null,
});

const crashPause = { firstMs: 1_000, longestMs: 60_000, forgottenAfterMs: 600_000 };
const retryPause = { firstMs: 500, longestMs: 30_000 };

/** A transient failure of a first definition becomes a refusal after this long. */
export const patienceMs = 60_000;
/** Between presses of the power button: a guest that is still booting misses the first. */
export const pressIntervalMs = 5_000;
/** How long a guest may take to carry out a graceful reboot before reset is pressed, at least. */
export const rebootPatienceMs = 60_000;

const doubled = (pause: { firstMs: number; longestMs: number }, times: number): number =>
  Math.min(pause.longestMs, pause.firstMs * 2 ** Math.min(times, 20));

/** Whether the VM already ran for the present generation: when it is off now, it went off on its own. */
export function wasUp(memory: VmMemory, permit: Permit, domain: ObservedDomain | null): boolean {
  const { generation } = permit.desired;
  return (domain?.metadata?.generation ?? 0) >= generation || memory.startedGeneration === generation;
}

export const isStartingUp = (power: ObservedDomain['power'] | undefined): boolean =>
  power?.kind === 'paused' && power.reason === startingUp;

/** Whether the domain must be redefined: it was made from another size or other hardware than it should have. */
export const mustRedefine = ({ desired }: Permit, metadata: VmMetadata): boolean =>
  metadata.specHash !== specHash(desired) && desired.generation > metadata.generation;

/**
 * Whether the reboot that was ordered takes power off and on: a guest that is only reset keeps the vCPUs and the memory
 * that it was started with, and this one is to have others.
 */
export function powerCycles(permit: Permit, { metadata, power, compute }: ObservedDomain): boolean {
  const { role, rebootCount, size } = permit.desired;
  if (role !== 'run' || power.kind === 'off' || metadata === null || size === null) return false;
  if (metadata.rebootCount >= rebootCount || mustRedefine(permit, metadata)) return false;
  return compute.vcpus !== size.vcpus || compute.memoryMib !== size.memoryMib;
}

/** The memory after the domain was looked at. Pure; `plan` then decides on the result. */
export function notice(
  memory: VmMemory,
  permit: Permit,
  domain: ObservedDomain | null,
  now: number,
): VmMemory {
  const next = { ...memory };
  const { desired } = permit;
  const power = domain?.power;
  const active = power !== undefined && power.kind !== 'off';

  if (power?.kind === 'running') {
    next.runningSince ??= now;
    next.startAfter = null;
    next.untouchedTerm = null;
  } else if (!active) {
    next.rebootUntil = null;
  }

  const goesOff = desired.role === 'stopped' || (domain !== null && powerCycles(permit, domain));
  if (active && goesOff) {
    if (next.stop?.generation !== desired.generation) {
      next.stop = { generation: desired.generation, begunAt: now, pressAt: now };
    }
  } else {
    next.stop = null;
  }

  if (power?.kind === 'off' && desired.role === 'run' && wasUp(next, permit, domain)) {
    if (next.startAfter === null) {
      const ranFor = next.runningSince === null ? 0 : now - next.runningSince;
      if (ranFor >= crashPause.forgottenAfterMs) next.crashes = 0;
      // Nobody says why it is off: the machine was rebooted, or libvirt lost it. The first start is at once.
      const afterReboot = next.crashes === 0 && (power.reason === 'unknown' || power.reason === 'daemon');
      next.startAfter = now + (afterReboot ? 0 : doubled(crashPause, next.crashes));
      next.crashes++;
    }
  } else if (power?.kind !== 'running') {
    next.startAfter = null;
  }
  if (!active) next.runningSince = null;
  next.startingSince = isStartingUp(power) ? (next.startingSince ?? now) : null;
  return next;
}

/** The memory after a step failed: it is tried again after a growing pause. */
export function failed(
  memory: VmMemory,
  step: string,
  kind: FaultKind,
  error: VmError,
  now: number,
): VmMemory {
  const before = memory.failure?.step === step ? memory.failure : null;
  const count = (before?.count ?? 0) + 1;
  return {
    ...memory,
    failure: {
      step,
      kind,
      error,
      count,
      firstAt: before?.firstAt ?? now,
      retryAt: now + doubled(retryPause, count - 1),
    },
  };
}
