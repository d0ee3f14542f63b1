/**
 * A VM that goes to another host while it runs, or comes from one: which step is next (PROTOCOL.md O4, O5). The hypervisor
 * carries the guest over and makes its domain on the other side; what is decided here is when that may begin, what to
 * call the domain meanwhile, and that one which may run elsewhere is not started here.
 */
import type { ObservedDomain } from '../hypervisor/hypervisor.js';
import { type Permit, takesAway, type VmError } from './ledger.js';
import { isStartingUp } from './memory.js';
import { act, adopted, confirmation, isOfEarlierStay, type Plan, reached, rest } from './plan-step.js';
import { type Situation, stateOf } from './plan-step.js';

/** A hand-over that this process did not begin says nothing when it ends. */
export const moveLookMs = 1_000;

const failedPrecondition = 9;

/** Pauses that are the guest's own, and no part of a hand-over. */
const ownPauses = new Set(['I/O error', 'watchdog']);

const peerName = (peer: string): string => peer.slice(peer.lastIndexOf('/') + 1);

/** Between two looks, for people. */
export const movingTo = (peer: string, percent: number): string =>
  `moving to ${peerName(peer)}, ${Math.floor(percent)} %`;

/**
 * Whether a domain that is off may run on another host: it was being handed over when this was seen last, and nobody knows
 * how that has ended. A guest that shut down has ended here.
 */
export function mayBeElsewhere({ handover, term }: Permit, { power }: ObservedDomain): boolean {
  return handover?.term === term && power.kind === 'off' && power.reason !== 'shutdown';
}

/**
 * What comes first when a hand-over was begun: one that goes on is left to itself while it is wanted, and else ended; of one
 * that has ended with the VM still here this is written down. Null when there is nothing of that kind to do.
 */
export function planStay({ permit, domain, leaving, memory }: Situation): Plan | null {
  const { handover, desired } = permit;
  if (handover === null || domain === null) return null;
  if (leaving !== null && domain.power.kind !== 'off') {
    const isWanted =
      desired.role === 'send' && handover.term === permit.term && handover.peerUri === desired.peerUri;
    const state = takesAway(desired.role) || desired.role === 'stopped' ? 'stopping' : 'running';
    if (!isWanted) return act({ kind: 'abortHandOver' }, state);
    return {
      step: { kind: 'rest', wakeAt: null },
      state,
      error: null,
      waitsFor: movingTo(desired.peer, leaving.percent),
    };
  }
  if (takesAway(desired.role) || !isHere(permit, domain)) return null;
  // It is begun again after a restart of the agent, which has forgotten whether it failed.
  const beginsAgain = desired.role === 'send' && memory.failedHandover?.generation !== desired.generation;
  return beginsAgain ? null : act({ kind: 'stay' }, stateOf(domain));
}

/** Whether this very guest is known to be on this host, with no hand-over under way. */
function isHere({ handover, term }: Permit, { power }: ObservedDomain): boolean {
  if (handover?.term !== term) return true;
  if (power.kind === 'off') return power.reason === 'shutdown';
  return power.kind === 'running' || (power.kind === 'paused' && ownPauses.has(power.reason));
}

/** What to say of a guest that stands still since a hand-over of which this host does not know how it has ended; else null. */
export function stillAfterMove(permit: Permit, domain: ObservedDomain): VmError | null {
  if (domain.power.kind !== 'paused' || isHere(permit, domain)) return null;
  // The VM's owner reads it, who is not to see what the hypervisors say of each other's addresses: that is in the log.
  return { code: failedPrecondition, message: 'its hand-over has ended in between: it is not resumed here' };
}

/** What is off waits, after a boot, until the scheduler has spoken (O2). */
const waits = ({ confirmed, domain }: Situation): boolean => !confirmed && domain?.power.kind === 'off';

const waiting: Plan = { ...rest('stopped'), waitsFor: confirmation };

export function planHandOver(situation: Situation): Plan {
  const { permit, domain, memory } = situation;
  const { desired, handover } = permit;
  const isBegun = handover?.term === permit.term;
  if (domain === null) return planNothingToSend(permit, isBegun);
  const { power, metadata } = domain;
  if (isBegun && power.kind === 'off' && power.reason === 'migrated') {
    return act({ kind: 'leave', domain }, 'stopping');
  }
  if (mayBeElsewhere(permit, domain)) return rest('missing');
  if (waits(situation)) return waiting;
  if (isOfEarlierStay(permit, domain)) return act({ kind: 'discard', domain }, 'preparing');
  if (permit.phase !== 'defined') return act({ kind: 'adopt' }, stateOf(domain));
  if (metadata === null || metadata.term < permit.term) {
    return act({ kind: 'record', metadata: adopted(permit, domain) }, stateOf(domain));
  }
  if (power.kind !== 'running') return rest(endOf(permit, domain), stillAfterMove(permit, domain));
  const failure = memory.failedHandover;
  if (failure?.generation === desired.generation) return rest('running', failure.error);
  return act({ kind: 'handOver' }, 'running');
}

function planNothingToSend(permit: Permit, isBegun: boolean): Plan {
  switch (permit.phase) {
    case 'gone':
      return rest('absent');
    case 'defined':
      return isBegun ? act({ kind: 'leave', domain: null }, 'stopping') : rest('missing');
    default: {
      const message = 'it is not on this host, so it cannot be handed over';
      return rest('refused', permit.error ?? { code: failedPrecondition, message });
    }
  }
}

/** What to call a guest that is to run, and does not. */
function endOf({ desired }: Permit, domain: ObservedDomain) {
  const { power } = domain;
  if (power.kind !== 'off') return stateOf(domain);
  if (power.reason === 'shutdown' && !desired.restartsAfterGuestShutdown) return 'guestShutdown';
  return power.reason === 'unknown' ? 'stopped' : 'crashed';
}

export function planArrival(situation: Situation): Plan {
  const { permit, domain, now } = situation;
  if (domain === null) return planAwaited(situation);
  const { power, metadata } = domain;
  const isTaken = permit.phase === 'defined';
  const isLeftover = power.kind === 'off' && !isTaken;
  // What was not taken over yet may be with the host that it comes from: it is not said to be here.
  if (waits(situation)) return isTaken ? waiting : { ...rest('preparing'), waitsFor: confirmation };
  if (isLeftover || isOfEarlierStay(permit, domain)) return act({ kind: 'discard', domain }, 'preparing');
  if (!isTaken) {
    const isOnItsWay = (power.kind === 'paused' && !ownPauses.has(power.reason)) || power.kind === 'stopping';
    if (isOnItsWay) return rest('preparing', null, now + moveLookMs);
    return act({ kind: 'adopt' }, 'preparing');
  }
  if (power.kind === 'running') {
    if (metadata === null || metadata.term < permit.term) {
      const marks = adopted(permit, domain);
      return act({ kind: 'record', metadata: reached(permit, marks, marks.rebootCount) }, 'preparing');
    }
    if (metadata.generation < permit.desired.generation) {
      return act({ kind: 'record', metadata: reached(permit, metadata, metadata.rebootCount) }, 'running');
    }
  }
  if (isStartingUp(power)) return rest('preparing', null, now + moveLookMs);
  if (power.kind === 'off' && power.reason === 'migrated') return rest('missing');
  return rest(endOf(permit, domain));
}

function planAwaited({ permit, memory }: Situation): Plan {
  const { phase, desired, term } = permit;
  switch (phase) {
    case 'defined':
      return rest('missing');
    case 'gone':
      return rest('absent');
    case 'refusing':
      return act({ kind: 'refuse' }, 'preparing');
    case 'refused':
      return rest('refused', permit.error);
    default: {
      const { diskSeen } = memory;
      const isSeen = diskSeen?.term === term && diskSeen.generation === desired.generation;
      if (!isSeen) return act({ kind: 'expect' }, 'preparing');
      return { ...rest('awaited'), waitsFor: desired.peer === '' ? '' : `from ${peerName(desired.peer)}` };
    }
  }
}
