/**
 * The heart of the agent: given what a VM should be, what it may do, and what the hypervisor says it is, which
 * single step comes next, and what the scheduler is told meanwhile. No I/O, no clock, no randomness; a program
 * (program.ts) carries the step out, looks again, and asks again, until the answer is to rest.
 */
import type { ObservedDomain, VmMetadata } from '../hypervisor/hypervisor.js';
import { isSameReached, mostOf, type Permit, takesAway, type VmError } from './ledger.js';
import { isStartingUp, mustRedefine, patienceMs, powerCycles, rebootPatienceMs } from './memory.js';
import { type VmMemory, wasUp } from './memory.js';
import { endsWithLease, planUnderLease } from './plan-lease.js';
import { mayBeElsewhere, planArrival, planHandOver, planStay, stillAfterMove } from './plan-move.js';
import { act, adopted, confirmation, isOfEarlierStay, type Plan, reached, rest } from './plan-step.js';
import { type Situation, stateOf } from './plan-step.js';

const failedPrecondition = 9;
const unavailable = 14;

/** The next step for one VM. */
export function plan(situation: Situation): Plan {
  const { permit, domain } = situation;
  if (domain !== null) {
    const conflict = notOurs(permit, domain);
    if (conflict !== null)
      return endsWithLease(situation) ? act({ kind: 'destroy' }, 'stopping') : rest('unknown', conflict);
  }
  return planUnderLease(situation, planRole(situation));
}

/** The next step of a VM whose domain, if there is one, is its own. */
function planRole(situation: Situation): Plan {
  const { permit, domain } = situation;
  // Defined by a call that libvirt carried out when this host had let go of the VM: its disk is another's by now.
  if (domain?.power.kind === 'off' && permit.phase === 'gone' && !takesAway(permit.desired.role))
    return act({ kind: 'leave', domain }, 'stopping');
  const stay = planStay(situation);
  if (stay !== null) return stay;
  const late = planTakenBack(situation);
  if (late !== null) return late;
  switch (permit.desired.role) {
    case 'send':
      return planHandOver(situation);
    case 'receive':
      return planArrival(situation);
    case 'released':
    case 'deleted':
      return planRemoval(permit, domain);
    case 'run':
    case 'stopped':
      if (domain !== null && mayBeElsewhere(permit, domain)) return rest('missing');
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

/**
 * What comes first when the domain says less of itself than was written there: an older call came late, and what it has taken
 * back is written again, or a reboot would be done twice and a guest that has shut itself down be started. A definition
 * that is not the newest is replaced before.
 */
function planTakenBack({ permit, confirmed, domain }: Situation): Plan | null {
  const { reached, phase, term, desired } = permit;
  const metadata = domain?.metadata ?? null;
  if (domain === null || metadata === null || reached === null) return null;
  if (phase !== 'defined' || metadata.term !== term || takesAway(desired.role)) return null;
  const most = mostOf(reached, metadata);
  if (isSameReached(most, metadata)) return null;
  if (mustRedefine(permit, metadata)) return null;
  if (domain.power.kind === 'off' && (!confirmed || mayBeElsewhere(permit, domain))) return null;
  return act({ kind: 'record', metadata: { ...metadata, ...most } }, stateOf(domain));
}

function planRemoval(permit: Permit, domain: ObservedDomain | null): Plan {
  if (domain === null && permit.phase === 'gone') return rest('absent');
  return act({ kind: 'remove', domain, trashVolumes: permit.desired.role === 'deleted' }, 'stopping');
}

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
  if (mayBeElsewhere(permit, domain)) return rest('missing');
  return permit.desired.role === 'run'
    ? planRun(situation, domain, domain.metadata)
    : planStopped(situation, domain, domain.metadata);
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
      if (memory.rebootUntil !== null && now >= memory.rebootUntil) return act({ kind: 'reset' }, 'running');
      if (metadata.generation < desired.generation) {
        return act({ kind: 'record', metadata: reached(permit, metadata, metadata.rebootCount) }, 'running');
      }
      return rest('running', null, memory.rebootUntil);
    }
    case 'paused': {
      if (isStartingUp(power)) return planStarting(memory, now);
      // Whoever waits to hear where it is, after a move that was called off, hears it with the generation.
      const hears = permit.handover === null && metadata.generation < desired.generation;
      if (!hears || mustRedefine(permit, metadata)) return rest('paused', stillAfterMove(permit, domain));
      return act({ kind: 'record', metadata: reached(permit, metadata, metadata.rebootCount) }, 'paused');
    }
    case 'stopping':
      return rest('stopping');
    case 'crashed':
      return act({ kind: 'destroy' }, 'crashed');
    case 'off': {
      if (mustRedefine(permit, metadata)) return act({ kind: 'redefine', domain }, 'starting');
      if (!wasUp(memory, permit, domain)) {
        if (metadata.rebootCount >= desired.rebootCount) return act({ kind: 'start' }, 'starting');
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
