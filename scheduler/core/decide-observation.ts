/**
 * What an agent's words about a VM mean: progress, a goal reached, a guest that shut itself down, a refusal. An
 * observation that tells nothing new changes nothing and writes nothing (PROTOCOL S4); one from a host that does not
 * own the VM, or under an old term, is not believed.
 */
import type { Change } from './changes.js';
import type { Observation } from './commands.js';
import { hasDiskOnPool, hasItsOnlyDiskThere } from './elsewhere/evacuation.js';
import { dangerAtOwner, isToBeHeldBack, letRun, letRunWithout } from './elsewhere/held-back.js';
import { leftoverOf } from './elsewhere/leftovers.js';
import { secondCopy } from './elsewhere/second-copy.js';
import { stateOfDomain } from './lifecycle/vm.js';
import { peerReleased } from './moves/move-changes.js';
import { observedAtOwner, observedAtPeer, type Usual } from './moves/observe-move.js';
import type { Fault, Host, Leftover, Vm, VmState } from './model.js';
import { inheritedPolicy, mayPark } from './parking.js';
import { place } from './placement/placement.js';
import { requestForMove } from './placement/request.js';
import { adoptedSize, isRefusedSize, resizeBack, sizeSeen } from './resize.js';
import { hasGivenUp, type State } from './state.js';
import { agreementFor } from './tenancy/limits.js';
import { desiredChange, endOperation, newestTerm, placedChange, whereOf } from './vm-changes.js';

/** How many hosts may refuse a VM before it is given up and its creation fails. */
export const placementAttempts = 3;

/**
 * What would free what a VM holds, or have it made anew. Of two machines that share an identity (PROTOCOL E4) the one that
 * says so may be the one that never had it; when the quarantine is ended the right one says everything anew.
 */
const saysGone: ReadonlySet<Observation['state']> = new Set(['absent', 'refused', 'missing', 'awaited']);

/** The changes that follow from what an agent has seen of one VM. */
export function decideObservation(state: State, host: Host, seen: Observation): Change[] {
  if (host.state === 'quarantined' && saysGone.has(seen.state)) return [];
  const vm = state.vms.get(seen.uid);
  const isRecovering = state.federation.recoveringSites.includes(host.site);
  const left = vm?.host === host.id ? undefined : leftoverOf(host, seen.uid);
  // No VM has such a term: whoever says so has something of it that is to be taken away, or makes it up.
  if (left === undefined && seen.term >= newestTerm)
    return vm === undefined ? [] : beyond(state, vm, host, seen);
  // What is to be taken away here is what the journal knows of; under a newer term it is another stay.
  const isAnother =
    isRecovering && left !== undefined && seen.term > left.term && seen.term < newestTerm && mayHave(seen);
  if (left !== undefined && !isAnother) return leftover(state, host, seen);
  if (vm === undefined) return [];
  if (isRecovering) return adopt(state, vm, host, seen);
  const { move } = vm;
  if (move?.peer === host.id) return observedAtPeer(state, vm, move, host, seen);
  if (vm.host !== host.id)
    return seen.state === 'awaited' ? doesNotCome({ ...vm, keepVolumes: true }, host, seen) : [];
  // To one of two machines that share an identity a newer term would be a word to make the VM anew.
  if (seen.term > vm.term) return host.state === 'quarantined' ? [] : ahead(state, vm, host, seen);
  if (vm.term !== seen.term) return [];
  if (move === undefined) return observe(state, vm, host, seen);
  const usual: Usual = (fault = seen.fault) => {
    const changes = observe(state, vm, host, { ...seen, fault });
    return move.phase === 'arriving'
      ? changes
      : changes.filter(({ type }) => type !== 'operation.target_ended');
  };
  return observedAtOwner(state, vm, move, host, seen, usual);
}

/**
 * A host on which an orphan of that name was ordered away keeps that as its newest word, and will not have the VM: it is refused
 * there.
 */
function beyond(state: State, vm: Vm, host: Host, seen: Observation): Change[] {
  if (seen.state !== 'absent') return [];
  const fault = { code: 9, reason: 'TAKEN_AWAY_THERE', message: 'an orphan of its id was taken away there' };
  const term = vm.host === host.id ? vm.term : vm.move?.term;
  if (term === undefined || (vm.host !== host.id && vm.move?.peer !== host.id)) return [];
  return decideObservation(state, host, {
    ...seen,
    state: 'refused',
    term,
    generation: vm.generation,
    fault,
  });
}

/** It waits for a VM of whose move a restored journal knows nothing, and is told that it does not come: newer than what either knows. */
function doesNotCome(
  known: Omit<Leftover, 'uid'>,
  { id }: Host,
  { uid, term, generation }: Observation,
): Change[] {
  const leftover = {
    uid,
    term: Math.max(term, known.term),
    generation: Math.max(known.generation, generation) + 1,
    keepVolumes: known.keepVolumes,
    ...(known.mayRun === undefined ? {} : { mayRun: known.mayRun }),
    ...(known.former === undefined ? {} : { former: known.former }),
    ...(known.pool === undefined ? {} : { pool: known.pool }),
  };
  return [{ type: 'host.leftover', id, leftover }];
}

/** Whoever has let go of a VM does not have it, under whichever term it was told so. */
const mayHave = ({ state, released = false }: Observation): boolean => state !== 'absent' && !released;

/** What a returned host says of a VM that was started elsewhere: nothing of it is left, or not yet. */
function leftover(state: State, host: Host, seen: Observation): Change[] {
  const { id, leftovers = [] } = host;
  const { uid, term, generation } = seen;
  const left = leftovers.find((one) => one.uid === uid);
  if (left === undefined) return [];
  // It waits for a move of which a restored journal knows nothing, and takes no word under an older term than that move's.
  // So does an orphan whose marks nobody had read when it was ordered away, and a domain whose agent has lost what it was told.
  const isBeyond = seen.state === 'awaited' || (left.mayRun === true && seen.state !== 'absent');
  if (isBeyond && term > left.term && term < newestTerm) return doesNotCome(left, host, seen);
  if (seen.state !== 'absent') return [];
  // Under a newer term it has nothing either, and would take no word under this one.
  const answers = term > left.term || (term === left.term && generation >= left.generation);
  return answers ? [{ type: 'host.cleared', id, uid }, ...letRunWithout(state, host, uid)] : [];
}

/** In recovery the higher term wins: the journal has forgotten that the VM moved (PROTOCOL E2). */
function adopt(state: State, vm: Vm, host: Host, seen: Observation): Change[] {
  if (seen.term < vm.term || (seen.term === vm.term && newestHeard(seen) <= vm.generation)) return [];
  if (!mayHave(seen) || (saysGone.has(seen.state) && seen.state !== 'missing')) return [];
  // It gets ready for a VM that has not left its host, as far as this journal knows.
  const isOnItsWay = vm.move?.peer === host.id && vm.move.term === seen.term;
  if (isOnItsWay && (seen.state === 'preparing' || seen.state === 'unknown')) return [];
  if (seen.term === vm.term && vm.host !== host.id) return [];
  return found(state, vm, host, seen);
}

/**
 * It is found on a host, under a term that this journal does not have; who gets ready for it elsewhere hears that it does not
 * come, and who was taken to have it, and may have been told so, that it has gone.
 */
function found(state: State, vm: Vm, host: Host, seen: Observation): [Adopted, ...Change[]] {
  const change = adopted(state, vm, host, seen);
  const { uid, move } = vm;
  const { term, generation } = change;
  const leaves: Change[] = [];
  if (vm.host !== null && vm.host !== host.id && state.hosts.has(vm.host)) {
    const leftover = { uid, term, generation, keepVolumes: true, ...dangerAtOwner(vm) };
    leaves.push({ type: 'host.leftover', id: vm.host, leftover });
  }
  if (move !== undefined && move.peer !== host.id && move.peer !== vm.host)
    leaves.push(...peerReleased(state, vm, move, generation, { mayRun: true, former: 'starts' }));
  const isHeldBack = isToBeHeldBack(state, vm, host, seen.state, leaves);
  const changes: [Adopted, ...Change[]] = [isHeldBack ? { ...change, heldBack: true } : change];
  if (leftoverOf(host, uid) !== undefined) changes.push({ type: 'host.cleared', id: host.id, uid });
  changes.push(...leaves);
  // It is on its way no more: its move has ended well only where it was to go.
  const wasFor = move?.phase === 'arriving' ? vm.host : move?.peer;
  if (move !== undefined && wasFor !== host.id) {
    const message = `it is on ${host.id}: this journal does not know how it came there, since it was restored from a backup or another copy has led`;
    changes.push(...endOperation(vm, { code: 10, reason: 'FOUND_ELSEWHERE', message }));
  }
  return changes;
}

type Adopted = Extract<Change, { type: 'vm.adopted' }>;

function adopted(state: State, vm: Vm, host: Host, seen: Observation): Adopted {
  // What is desired here is older than what the agent has: said again, it is a new version.
  const generation = Math.max(vm.generation, newestHeard(seen)) + 1;
  const numaCells = adoptedCells(vm, host, seen);
  const agreement = agreementFor(state.tenancy, requestForMove(state, vm, '', []), host.site);
  return {
    type: 'vm.adopted',
    uid: vm.uid,
    host: host.id,
    ...(numaCells === undefined ? {} : { numaCells }),
    ...(agreement === undefined ? {} : { agreement }),
    term: seen.term,
    generation,
    ...adoptedSize(vm, host.id, seen, generation),
    ...(seen.rebootCount > vm.rebootCount ? { rebootCount: seen.rebootCount } : {}),
  };
}

/** The cells that the VM has there, as its agent says; one that does not say has them where it had them last. */
function adoptedCells({ spec, numaCells }: Vm, { capacity }: Host, seen: Observation): number[] | undefined {
  if (spec.numa === undefined) return undefined;
  const { cells } = spec.numa;
  if (seen.numaCells?.length === cells) return seen.numaCells;
  return numaCells ?? (capacity.cells ?? []).slice(0, cells).map(({ id }) => id);
}

function observe(state: State, vm: Vm, host: Host, seen: Observation): Change[] {
  // Under its term a deletion is final, whichever word of a journal that was lost since has ordered it.
  if (seen.state === 'absent' && vm.desired !== 'deleted') return deletedThere(state, vm, seen);
  if (seen.state === 'absent' && seen.generation > vm.generation) return removed(vm);
  if (newestHeard(seen) > vm.generation && vm.move === undefined && isCredible(vm, seen))
    return saidAnew(state, vm, host, seen);
  // An agent cannot have reached what was never desired.
  if (seen.generation > vm.generation) return [];
  // Only an answer to the newest word frees anything: an older word may be followed by one, on its way already, that
  // the agent obeys under the same term (PROTOCOL O6).
  const answers = seen.generation === vm.generation;
  switch (seen.state) {
    case 'absent':
      return answers && vm.desired === 'deleted' ? removed(vm) : [];
    case 'refused':
      if (!answers || isKeptThere(vm)) return [];
      return vm.desired === 'deleted' ? removed(vm) : refused(state, vm, host, seen);
    case 'awaited':
      return [];
    case 'guest_shutdown':
      return guestShutdown(state, vm, seen);
    default:
      return observed(state, vm, stateOfDomain[seen.state], seen);
  }
}

/**
 * Its host knows a term that a restored journal has forgotten, and takes no word under an older one. From here the VM goes on
 * under that term; where nothing is left of it, it can begin anew only under one that the host does not know.
 */
function ahead(state: State, vm: Vm, host: Host, seen: Observation): Change[] {
  if (seen.state === 'absent' && vm.desired === 'deleted') return removed(vm);
  const [change, ...others] = found(state, vm, host, seen);
  if (seen.state !== 'absent') return [change, ...others];
  return [change, ...others, ...deletedThere(state, { ...vm, generation: change.generation }, seen)];
}

/** Gone from its host after the backup that was restored: nobody has ordered that any more, and it is not undone. */
function deletedThere(state: State, vm: Vm, seen: Observation): Change[] {
  const message =
    'its host has deleted it or moved it on, by a word that this journal does not have: it was restored from a backup. A host that is not back yet may have it; when none does, a start makes it anew from its image';
  // It was let go of, and is started nowhere: that is said already.
  const second = vm.state === 'missing' ? secondCopy(state, vm) : null;
  const fault = second ?? { code: 9, reason: 'DELETED_THERE', message };
  const isKnown = vm.state === 'missing' && vm.operation === null && sameFault(vm.fault, fault);
  if (isKnown && seen.generation <= vm.generation) return [];
  const { uid, observedGeneration: generation, observedRebootCount: rebootCount } = vm;
  // Or the agent would take the next word for an old one.
  const newer = Math.max(vm.generation, seen.generation) + 1;
  return [
    ...(seen.generation < vm.generation ? [] : [{ ...desiredChange(vm, vm.desired), generation: newer }]),
    { type: 'vm.observed', uid, state: 'missing', generation, rebootCount, fault },
    ...endOperation(vm, fault),
  ];
}

/**
 * Its host has heard what this journal has forgotten, and takes nothing that is older: what is desired is said again, above it. What it
 * has seen besides counts at once, for an agent does not repeat it; what answers a word waits for the answer to this one.
 */
function saidAnew(state: State, vm: Vm, host: Host, seen: Observation): Change[] {
  // One that has given up its room gets it back when it starts, and not by this.
  const again: Change[] = hasGivenUp(vm)
    ? [{ ...desiredChange(vm, vm.desired), generation: newestHeard(seen) + 1 }]
    : [adopted(state, vm, host, seen)];
  switch (seen.state) {
    case 'absent':
    case 'refused':
    case 'awaited':
    case 'guest_shutdown':
      return again;
    default: {
      const { observedGeneration: generation } = vm;
      const rebootCount = Math.max(vm.observedRebootCount, seen.rebootCount);
      // Whether it is stopped for good, only the answer tells.
      const later = { ...vm, operation: null, generation: newestHeard(seen) + 1 };
      const now = { ...seen, generation, rebootCount };
      return [...again, ...observed(state, later, stateOfDomain[seen.state], now)];
    }
  }
}

/** No journal that was lost was so far ahead. */
const mostForgotten = 2 ** 16;

function isCredible({ generation }: Vm, seen: Observation): boolean {
  return newestHeard(seen) - generation < mostForgotten;
}

/** The newest generation that its agent knows of. */
function newestHeard({ generation, toldGeneration = 0 }: Observation): number {
  return Math.max(generation, toldGeneration);
}

function removed(vm: Vm): Change[] {
  return [...endOperation(vm, null), { type: 'vm.removed', uid: vm.uid }];
}

function observed(state: State, vm: Vm, next: VmState, seen: Observation): Change[] {
  const changes: Change[] = [];
  // Somebody has started it by hand: what runs has its room, whatever that leaves to others.
  if (hasGivenUp(vm) && isOn(next)) changes.push({ type: 'vm.returned', uid: vm.uid });
  // It runs all the same, and is not to be switched off for what another host may do.
  if (next === 'running' || next === 'paused') changes.push(...letRun(vm));
  // Whose state is not known has reached nothing new.
  const generation =
    next === 'unknown' ? vm.observedGeneration : Math.max(seen.generation, vm.observedGeneration);
  const size = sizeSeen(vm, seen);
  const same =
    size === undefined &&
    vm.state === next &&
    vm.observedGeneration === generation &&
    vm.observedRebootCount === seen.rebootCount &&
    sameFault(vm.fault, seen.fault);
  if (!same) {
    changes.push({
      type: 'vm.observed',
      uid: vm.uid,
      state: next,
      generation,
      rebootCount: seen.rebootCount,
      fault: seen.fault,
      ...size,
    });
  }
  if (seenOff(vm, next, generation) && mayPark(vm) && inheritedPolicy(state, vm.administration) === 'free')
    changes.push({ type: 'vm.parked', uid: vm.uid });
  if (vm.desired !== 'deleted' && vm.move === undefined && isRefusedSize(vm, seen)) {
    changes.push(...resizeBack(vm), ...(isResize(state, vm) ? endOperation(vm, seen.fault) : []));
    return changes;
  }
  if (vm.operation === null || vm.desired === 'deleted') return changes;
  if (generation === vm.generation && next === vm.desired && seen.rebootCount >= vm.rebootCount) {
    changes.push(...endOperation(vm, null));
  } else if (next === 'missing') {
    const message = 'its domain has vanished from its host';
    changes.push(...endOperation(vm, seen.fault ?? { code: 9, reason: 'MISSING', message }));
  }
  return changes;
}

/** Whether it is stopped as it should be: until it is seen so, it holds what it holds (PROTOCOL O6). */
function seenOff(vm: Vm, next: VmState, generation: number): boolean {
  return vm.desired === 'stopped' && next === 'stopped' && generation === vm.generation;
}

function isOn(state: VmState): boolean {
  return state === 'starting' || state === 'running' || state === 'paused';
}

/** Whether the operation under way is a resize, and not an order that came after it. */
function isResize(state: State, vm: Vm): boolean {
  const operation = vm.operation === null ? undefined : state.operations.get(vm.operation);
  return operation?.verb === 'resize';
}

/** The guest powered itself off while it should run: journalled as what is now desired (PROTOCOL O7). */
function guestShutdown(state: State, vm: Vm, seen: Observation): Change[] {
  if (seen.generation !== vm.generation || vm.desired !== 'running') {
    return observed(state, vm, 'stopped', seen);
  }
  if (vm.policy.onGuestShutdown === 'restart') return observed(state, vm, 'starting', seen);
  const { uid } = vm;
  const { generation, rebootCount } = seen;
  const message = 'the guest powered itself off';
  return [
    {
      type: 'vm.observed',
      uid,
      state: 'stopped',
      generation,
      rebootCount,
      fault: null,
      ...sizeSeen(vm, seen),
    },
    desiredChange(vm, 'stopped'),
    ...endOperation(vm, { code: 10, reason: 'GUEST_SHUTDOWN', message }),
  ];
}

/** Nothing of it runs or is left there (PROTOCOL O6): another host may have it, under a new term. */
function refused(state: State, vm: Vm, host: Host, seen: Observation): Change[] {
  // What was to be adopted is not there, or cannot be a VM there: it was never anywhere else, and its disk is left alone.
  if (vm.adopting !== undefined) {
    return [...endOperation(vm, seen.fault), { type: 'vm.removed', uid: vm.uid }];
  }
  const fault: Fault = seen.fault ?? { code: 2, reason: 'REFUSED', message: 'the host gave no reason' };
  if (hasItsOnlyDiskThere(vm)) return keptThere(vm, seen, fault);
  const refusedBy = [...vm.refusedBy, host.id];
  const image = state.imagesByUid.get(vm.spec.imageUid);
  const second = secondCopy(state, vm);
  if (refusedBy.length < placementAttempts && image !== undefined && second === null) {
    const request = requestForMove(state, vm, image.architecture, refusedBy);
    const placed = place(state, request);
    if (!placed.noHost) return [placedChange(state, vm, whereOf(placed), refusedBy)];
  }
  if (hasDiskOnPool(vm)) return keptThere(vm, seen, second ?? fault);
  return [
    { type: 'vm.unplaced', uid: vm.uid, fault: second ?? fault, refusedBy },
    ...endOperation(vm, second ?? fault),
  ];
}

/** Nowhere can it be now, but its disk lives: it stays claimed where it was tried last, to be started or deleted there. */
function keptThere(vm: Vm, { generation, rebootCount }: Observation, fault: Fault): Change[] {
  return [
    { type: 'vm.observed', uid: vm.uid, state: 'failed', generation, rebootCount, fault },
    ...endOperation(vm, fault),
  ];
}

/** Whether that its host refused it has been heard, and nothing was wanted of it since. */
function isKeptThere({ state, desired, generation, observedGeneration }: Vm): boolean {
  return state === 'failed' && desired !== 'deleted' && observedGeneration === generation;
}

function sameFault(a: Fault | null, b: Fault | null): boolean {
  if (a === null || b === null) return a === b;
  return a.code === b.code && a.reason === b.reason && a.message === b.message;
}
