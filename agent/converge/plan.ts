/**
 * The heart of the agent: given what a VM should be, what it may do, and what the hypervisor says it is, which
 * single step comes next, and what the scheduler is told meanwhile. No I/O, no clock, no randomness; a program
 * (program.ts) carries the step out, looks again, and asks again, until the answer is to rest.
 */
import type { ObservedDomain, VmMetadata } from '../hypervisor/hypervisor.js';
import type { Permit, VmError } from './ledger.js';
import { isStartingUp, mustRedefine, patienceMs, powerCycles, rebootPatienceMs } from './memory.js';
import { type VmMemory, wasUp } from './memory.js';
import type { VmState } from './observation.js';

export type Step =
  /** Nothing to do now; look again at `wakeAt`, or when something happens. */
  | { kind: 'rest'; wakeAt: number | null }
  | { kind: 'create' }
  /** Write down that the domain exists. */
  | { kind: 'adopt' }
  | { kind: 'record'; metadata: VmMetadata }
  | { kind: 'redefine'; domain: ObservedDomain }
  /** Give a running domain of its new size what it can have now, and the rest when it is started next. */
  | { kind: 'resize'; domain: ObservedDomain }
  | { kind: 'start' }
  | { kind: 'pressPower' }
  | { kind: 'destroy' }
  | { kind: 'reboot'; metadata: VmMetadata }
  | { kind: 'reset' }
  /** Take away the domain of an earlier stay, and leave its volume. */
  | { kind: 'discard'; domain: ObservedDomain }
  /** Take the VM off this host, with or without its volumes. */
  | { kind: 'remove'; domain: ObservedDomain | null; trashVolumes: boolean }
  /** Take back what a failed first definition left. */
  | { kind: 'refuse' };

export interface Plan {
  step: Step;
  state: VmState;
  error: VmError | null;
  /** Why nothing is done although something is to be done, for people. */
  waitsFor?: string;
}

export interface Situation {
  permit: Permit;
  /** Whether what is off may be made, changed or started (Ledger.isConfirmed). */
  confirmed: boolean;
  domain: ObservedDomain | null;
  memory: VmMemory;
  now: number;
}

const failedPrecondition = 9;
const unavailable = 14;
const unimplemented = 12;

const rest = (state: VmState, error: VmError | null = null, wakeAt: number | null = null): Plan => ({
  step: { kind: 'rest', wakeAt },
  state,
  error,
});
const act = (step: Step, state: VmState): Plan => ({ step, state, error: null });

/** The next step for one VM. */
export function plan(situation: Situation): Plan {
  const { permit, domain } = situation;
  if (domain !== null) {
    const conflict = notOurs(permit, domain);
    if (conflict !== null) return rest('unknown', conflict);
  }
  switch (permit.desired.role) {
    case 'send':
    case 'receive':
      return planMigration(permit, domain);
    case 'released':
    case 'deleted':
      return planRemoval(permit, domain);
    case 'run':
    case 'stopped':
      if (!situation.confirmed && wouldTouch(permit, domain)) {
        return { ...rest(domain === null ? 'preparing' : 'stopped'), waitsFor: confirmation };
      }
      return domain === null ? planAbsent(permit) : planPresent(situation, domain);
  }
}

/** Why a domain with the VM's UUID must not be touched all the same, or null. */
function notOurs(permit: Permit, domain: ObservedDomain): VmError | null {
  if (domain.metadata === null && permit.phase !== 'defining' && permit.phase !== 'defined') {
    const message = `a domain with this id exists (${domain.name}), and Secovia did not make it`;
    return { code: failedPrecondition, message };
  }
  if (domain.metadata !== null && domain.metadata.term > permit.term) {
    const message = `the domain here is of term ${domain.metadata.term}, newer than the permit's ${permit.term}`;
    return { code: failedPrecondition, message };
  }
  return null;
}

function planMigration(permit: Permit, domain: ObservedDomain | null): Plan {
  const error = { code: unimplemented, message: 'this agent cannot migrate VMs yet' };
  if (domain === null) return rest(permit.phase === 'defined' ? 'missing' : 'refused', error);
  // It may be running here, so "refused" would be a lie that frees its claim (O6).
  return rest(stateOf(domain), error);
}

function stateOf(domain: ObservedDomain): VmState {
  const states = { running: 'running', paused: 'paused', stopping: 'stopping', crashed: 'crashed' } as const;
  return domain.power.kind === 'off' ? 'stopped' : states[domain.power.kind];
}

function planRemoval(permit: Permit, domain: ObservedDomain | null): Plan {
  if (domain === null && permit.phase === 'gone') return rest('absent');
  return act({ kind: 'remove', domain, trashVolumes: permit.desired.role === 'deleted' }, 'stopping');
}

const confirmation = 'waits for the scheduler to say that it is still to be on this host';

/**
 * Whether what comes next would make, change, start or take back what is off. Without a confirmation it may have been
 * restarted elsewhere, and on a shared pool another host may be using the very disk that this one would grow or remove.
 */
function wouldTouch({ phase }: Permit, domain: ObservedDomain | null): boolean {
  if (domain !== null) return domain.power.kind === 'off';
  return phase !== 'defined' && phase !== 'refused' && phase !== 'gone';
}

function planAbsent(permit: Permit): Plan {
  switch (permit.phase) {
    case 'permitted':
    case 'preparing':
    case 'defining':
      return act({ kind: 'create' }, 'preparing');
    case 'defined':
      return rest('missing');
    case 'refusing':
      return act({ kind: 'refuse' }, 'preparing');
    case 'refused':
      return rest('refused', permit.error);
    case 'gone':
      return rest('absent');
  }
}

function planPresent(situation: Situation, domain: ObservedDomain): Plan {
  const { permit } = situation;
  const { power } = domain;
  const active = power.kind !== 'off';
  if (isOfEarlierStay(permit, domain)) return act({ kind: 'discard', domain }, 'preparing');
  if (permit.phase !== 'defined') {
    const refusing = permit.phase === 'refusing' || permit.phase === 'refused';
    return refusing && !active
      ? act({ kind: 'refuse' }, 'preparing')
      : act({ kind: 'adopt' }, active ? 'running' : 'starting');
  }
  if (domain.metadata === null || domain.metadata.term < permit.term) {
    return act({ kind: 'record', metadata: adopted(permit, domain) }, stateOf(domain));
  }
  // It lives elsewhere now, or should: starting it here could make a second copy of it (O2, O5).
  if (power.kind === 'off' && power.reason === 'migrated' && domain.metadata.generation > 0) {
    return rest('missing');
  }
  return permit.desired.role === 'run'
    ? planRun(situation, domain, domain.metadata)
    : planStopped(situation, domain, domain.metadata);
}

/**
 * Whether another host has had the VM since this domain was made: its disk may be stale, and what runs of it is a guest that
 * knows nothing of what was written since. The next step is then that of a VM of which nothing is here.
 */
function isOfEarlierStay({ phase, disk, term }: Permit, { metadata }: ObservedDomain): boolean {
  return phase === 'permitted' && disk === 'none' && metadata !== null && metadata.term < term - 1;
}

/**
 * Metadata for a domain that carries none, or that of an earlier term. One that is off has reached nothing under
 * its new term, so a new permit to run starts it, whatever made it go off before.
 */
function adopted(permit: Permit, domain: ObservedDomain): VmMetadata {
  return {
    uid: permit.uid,
    term: permit.term,
    generation: domain.power.kind === 'off' ? 0 : (domain.metadata?.generation ?? 0),
    specHash: domain.metadata?.specHash ?? '',
    rebootCount: domain.metadata?.rebootCount ?? permit.desired.rebootCount,
    diskMib: domain.metadata?.diskMib,
  };
}

/** Metadata that says: the desired generation is reached. */
function reached(permit: Permit, metadata: VmMetadata, rebootCount: number): VmMetadata {
  return { ...metadata, generation: permit.desired.generation, rebootCount };
}

function planRun(situation: Situation, domain: ObservedDomain, metadata: VmMetadata): Plan {
  const { permit, memory, now } = situation;
  const { desired } = permit;
  const { power } = domain;
  switch (power.kind) {
    case 'running': {
      // Of one that was adopted it is not known what it was made from: it keeps that until it is off.
      if (metadata.specHash !== '' && mustRedefine(permit, metadata)) {
        return act({ kind: 'resize', domain }, 'running');
      }
      // When it is off, it is started because it should run, and that start is the reboot.
      if (powerCycles(permit, domain)) {
        const graceMs = Math.max(rebootPatienceMs, desired.stopGraceMs);
        return planGoingOff(situation, domain, { graceMs, forced: desired.rebootForced });
      }
      if (metadata.rebootCount < desired.rebootCount) {
        const begun = { ...metadata, rebootCount: desired.rebootCount };
        return act({ kind: 'reboot', metadata: begun }, 'running');
      }
      if (metadata.generation < desired.generation) {
        return act({ kind: 'record', metadata: reached(permit, metadata, metadata.rebootCount) }, 'running');
      }
      if (memory.rebootUntil !== null) {
        return now >= memory.rebootUntil
          ? act({ kind: 'reset' }, 'running')
          : rest('running', null, memory.rebootUntil);
      }
      return rest('running');
    }
    case 'paused':
      return isStartingUp(power) ? planStarting(memory, now) : rest('paused');
    case 'stopping':
      return rest('stopping');
    case 'crashed':
      return act({ kind: 'destroy' }, 'crashed');
    case 'off': {
      if (mustRedefine(permit, metadata)) return act({ kind: 'redefine', domain }, 'starting');
      if (!wasUp(memory, permit, domain)) {
        if (metadata.rebootCount === desired.rebootCount) return act({ kind: 'start' }, 'starting');
        // The start that follows is the reboot.
        const counted = { ...metadata, rebootCount: desired.rebootCount };
        return act({ kind: 'record', metadata: counted }, 'starting');
      }
      if (metadata.generation < desired.generation) {
        return act({ kind: 'record', metadata: reached(permit, metadata, desired.rebootCount) }, 'starting');
      }
      if (power.reason === 'saved') return act({ kind: 'start' }, 'starting');
      if (power.reason === 'shutdown' && !desired.restartsAfterGuestShutdown) return rest('guestShutdown');
      const startAfter = memory.startAfter ?? now;
      return now >= startAfter ? act({ kind: 'start' }, 'crashed') : rest('crashed', null, startAfter);
    }
  }
}

/**
 * The hypervisor is at it, though not for this agent any more: a call that was given up, or a daemon that was killed
 * in the middle of a start. It must not be helped along (O4); when it takes too long a human hears what to do.
 */
function planStarting({ startingSince }: VmMemory, now: number): Plan {
  const lateAt = (startingSince ?? now) + patienceMs;
  if (now < lateAt) return rest('starting', null, lateAt);
  const message =
    'the hypervisor does not get on with starting it; restart libvirtd on this host (guests run on)';
  return rest('starting', { code: unavailable, message });
}

function planStopped(situation: Situation, domain: ObservedDomain, metadata: VmMetadata): Plan {
  const { permit } = situation;
  const { desired } = permit;
  if (domain.power.kind === 'off') {
    if (mustRedefine(permit, metadata)) return act({ kind: 'redefine', domain }, 'stopped');
    if (metadata.generation < desired.generation) {
      return act({ kind: 'record', metadata: reached(permit, metadata, desired.rebootCount) }, 'stopping');
    }
    return rest('stopped');
  }
  return planGoingOff(situation, domain, { graceMs: desired.stopGraceMs, forced: desired.stopForced });
}

/** A domain that is not off goes off: by its power button, and when its grace is over, or at once, without asking. */
function planGoingOff(
  { memory, now }: Situation,
  domain: ObservedDomain,
  { graceMs, forced }: { graceMs: number; forced: boolean },
): Plan {
  const stop = memory.stop ?? { begunAt: now, pressAt: now };
  const unplugAt = stop.begunAt + graceMs;
  if (forced || domain.power.kind === 'crashed' || now >= unplugAt) {
    return act({ kind: 'destroy' }, 'stopping');
  }
  // A paused guest cannot hear the power button; it is left alone until its grace is over.
  if (domain.power.kind !== 'running') return rest('stopping', null, unplugAt);
  if (now >= stop.pressAt) return act({ kind: 'pressPower' }, 'stopping');
  return rest('stopping', null, Math.min(unplugAt, stop.pressAt));
}
