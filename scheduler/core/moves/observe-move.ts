/**
 * What the words of two agents mean for a VM on its way between their hosts. Ownership changes when its host was seen
 * without it, or is proven to be off, and the other was seen with it (PROTOCOL O5); whatever else they say, it stays where it
 * is, and when one host says that it is not there, the other must have spoken since.
 */
import type { Change } from '../changes.js';
import type { Observation } from '../commands.js';
import { secondCopy } from '../elsewhere/second-copy.js';
import { stateOfDomain } from '../lifecycle/vm.js';
import type { Fault, Host, Move, MovePhase, Vm, VmState } from '../model.js';
import type { State } from '../state.js';
import { endOperation, placedChange } from '../vm-changes.js';
import { arrives, handedOver, isOffByProof, known, nextPhase, placedAnew, promised } from './move-changes.js';
import { startsAtPeer, startsNowhere, stays, staysWithoutOwner } from './move-changes.js';
import { isThere, obstacle } from './obstacles.js';
import { asksPeer, clears, hasHeard, isPausedAtOwner, pausedAtOwner } from './standing-still.js';

/** Those in which a domain is there, and has been on. */
const settled: ReadonlySet<VmState> = new Set(['running', 'stopped', 'paused', 'crashed', 'missing']);
/** Those in which a guest that was on has gone off, and nobody has taken it. */
const off: ReadonlySet<Observation['state']> = new Set(['stopped', 'guest_shutdown', 'crashed']);

/** What was never on there yet, and what an agent that has lost its file knows nothing of. */
const canBeRefused: ReadonlySet<MovePhase> = new Set<MovePhase>([
  'arriving',
  'handing_over',
  'aborting',
  'clearing',
]);

const wentOff = obstacle('WENT_OFF', 'it went off before it could be handed over');

/**
 * What an observation means whether the VM moves or not, without the end of the operation as long as it has not arrived; with
 * another fault than was seen, where one is given.
 */
export type Usual = (fault?: Fault | null) => Change[];

/** What the owner says. */
export function observedAtOwner(
  state: State,
  vm: Vm,
  move: Move,
  host: Host,
  seen: Observation,
  usual: Usual,
): Change[] {
  const answers = seen.generation === vm.generation;
  if (seen.state === 'refused' && !canBeRefused.has(move.phase)) return [];
  switch (move.phase) {
    case 'going_off': {
      if (isGone(seen)) return ended(state, vm, move, usual(), gone(host));
      if (seen.state !== 'stopped' || !answers) return usual();
      return [...usual(), nextPhase(vm, move, 'leaving')];
    }
    case 'leaving':
      if (seen.state !== 'absent') return usual();
      if (isOld(vm, seen)) return [];
      if (isThere(state, move.peer)) return startsNowhere(state, vm, move) ?? [arrives(state, vm, move)];
      return placedAnew(
        state,
        vm,
        move,
        host,
        obstacle('HOST_GONE', `${move.peer} is not connected any more; it is back on ${host.id}`),
      );
    case 'arriving':
      if (seen.state === 'refused' && answers)
        return cameBack(state, vm, move, host, seen) ?? withoutWayBack(vm, usual());
      return arrived(vm, usual(), seen);
    case 'getting_ready':
      if (isGone(seen)) return ended(state, vm, move, usual(), gone(host));
      return isOff(seen) ? ended(state, vm, move, usual(), wentOff) : usual();
    case 'handing_over':
    case 'aborting':
    case 'clearing':
      return observedWhileHanded(state, vm, move, host, seen, usual);
  }
}

function observedWhileHanded(
  state: State,
  vm: Vm,
  move: Move,
  host: Host,
  seen: Observation,
  usual: Usual,
): Change[] {
  if (move.left === true) return [];
  const aborting = move.phase === 'aborting';
  const saysNotThere = seen.state === 'absent' || seen.state === 'refused';
  if (seen.state === 'missing' || (saysNotThere && !isOld(vm, seen))) {
    // After a boot a domain that is off may be one that was handed over: it is said to be missing, and is there.
    const without: Move = seen.state === 'missing' ? { ...move, keepsDomain: true } : move;
    if (move.refused === true) return placedAnew(state, vm, without, host, wentOff);
    if (move.arrived === true) return handedOver(state, vm, without);
    // The other host has to say, after this, whether it has it.
    return [nextPhase(vm, without, move.phase, { left: true }, Math.max(vm.generation, seen.generation))];
  }
  if (saysNotThere) return [];
  const isHeard = aborting && seen.generation === vm.generation;
  if (move.arrived === true) {
    // It is with the other host already: what stands still here, or was not handed over, never runs again. Else it is an older word.
    const runs = seen.state === 'running' && (isHeard || hasFailed(vm, move, seen));
    return seen.state === 'paused' || runs ? clears(vm, move) : [];
  }
  // A host that was switched off says so of the time before; where the VM is it says when it has heard the newest word.
  if (isOff(seen) && aborting && isOld(vm, seen)) return usual();
  if (isOff(seen)) return ended(state, vm, move, usual(), wentOff);
  if (seen.state !== 'running' && seen.state !== 'paused') return usual();
  // One whose guest is paused, by an error of its disk say, answers as well: its host knows that it is there.
  if (isHeard) return [...usual(), ...stays(state, vm, move, stayed(vm, seen.state, move.fault))];
  if (seen.state === 'paused') {
    if (move.refused === true) return [...usual(), ...stays(state, vm, move, pausedAtOwner(vm, move))];
    return [...usual(), ...asksPeer(vm, move, seen)];
  }
  // What the hypervisors said of each other's addresses is for whoever ordered the move.
  if (hasFailed(vm, move, seen))
    return [...usual(null), ...stays(state, vm, move, stayed(vm, 'running', seen.fault))];
  return usual();
}

/** Whether its host says that this very hand-over has failed. */
function hasFailed(vm: Vm, { phase }: Move, seen: Observation): boolean {
  return phase === 'handing_over' && seen.fault !== null && hasHeard(vm, seen);
}

/** What the other host of a live move says; it speaks under the term that it was promised. */
export function observedAtPeer(state: State, vm: Vm, move: Move, host: Host, seen: Observation): Change[] {
  if (move.term === undefined || seen.term !== move.term) return [];
  const answers = seen.generation === vm.generation;
  switch (seen.state) {
    case 'preparing':
    case 'starting':
    case 'stopping':
    case 'unknown':
      return [];
    case 'absent':
      return notThere(state, vm, move, host, seen);
    case 'awaited':
    case 'refused':
      return answers ? notThere(state, vm, move, host, seen) : [];
    default: {
      if (move.arrived === true && move.left !== true) return [];
      const next = seen.state === 'guest_shutdown' ? 'stopped' : stateOfDomain[seen.state];
      if (move.left === true || isOffByProof(state, vm)) {
        return handedOver(state, vm, move, { state: next, rebootCount: seen.rebootCount });
      }
      if (isPausedAtOwner(vm)) return clears(vm, move);
      return [known(vm, { ...move, arrived: true })];
    }
  }
}

/** The other host is without it: it gets ready for it, it will not have it, or it has lost it on the way. */
function notThere(state: State, vm: Vm, move: Move, host: Host, seen: Observation): Change[] {
  if (move.left === true) {
    const owner = state.hosts.get(vm.host ?? '') ?? host;
    if (seen.state !== 'awaited' || !isThere(state, host.id))
      return placedAnew(state, vm, move, owner, seen.fault ?? gone(host));
    // What ran has ended on the way. Its disk is whole: it starts from that.
    return startsNowhere(state, vm, move) ?? [startsAtPeer(state, vm, move)];
  }
  if (isOffByProof(state, vm))
    return staysWithoutOwner(state, vm, move, gone(state.hosts.get(vm.host ?? '') ?? host));
  if (move.phase !== 'getting_ready') {
    const answers = seen.generation === vm.generation;
    const isWithout = seen.state === 'absent' || (move.paused === true && answers);
    if (isWithout && isPausedAtOwner(vm)) return stays(state, vm, move, pausedAtOwner(vm, move));
    const isNew = isWithout && move.refused !== true;
    return isNew ? [known(vm, { ...move, refused: true })] : [];
  }
  if (seen.state === 'awaited') return [nextPhase(vm, move, 'handing_over')];
  return stays(state, vm, move, refusal(host, seen, `it is on ${vm.host}`));
}

/** The host that it came from has kept the room for it, and let go of nothing but the domain. */
function cameBack(state: State, vm: Vm, move: Move, host: Host, seen: Observation): Change[] | null {
  if (!isThere(state, move.peer) || secondCopy(state, vm) !== null) return null;
  const fault = refusal(host, seen, `it is back on ${move.peer}`);
  return [placedChange(state, vm, promised(vm, move), []), ...endOperation(vm, fault)];
}

/** Neither the host that it came from nor another can have it: it is this one's, which is tried again by a start. */
function withoutWayBack(vm: Vm, usual: Change[]): Change[] {
  const isKept = usual.some(({ type }) => type === 'vm.observed');
  if (!isKept) return usual;
  return [known(vm, null), ...usual];
}

/** When it is settled on its new host the old one's room is free. */
function arrived(vm: Vm, usual: Change[], seen: Observation): Change[] {
  // By a word that a restored journal does not have: there is nothing that could come back.
  if (seen.state === 'absent') return withoutWayBack(vm, usual);
  if (seen.state === 'refused' || seen.state === 'awaited') return usual;
  const next = seen.state === 'guest_shutdown' ? 'stopped' : stateOfDomain[seen.state];
  if (!settled.has(next) || (next === 'stopped' && seen.generation !== vm.generation)) return usual;
  return [known(vm, null), ...usual];
}

/** There is nothing any more that could be moved, and it stays. */
function ended(state: State, vm: Vm, move: Move, usual: Change[], fault: Fault): Change[] {
  return [...usual, ...stays(state, vm, move, fault, { generation: newestGeneration(vm, usual) + 1 })];
}

function isOff(seen: Observation): boolean {
  return off.has(seen.state);
}

/** Of a host that is ahead of a restored journal the word is none of the old ones. */
function isOld({ generation }: Vm, seen: Observation): boolean {
  return seen.generation < generation;
}

function isGone({ state }: Observation): boolean {
  return state === 'missing' || state === 'absent';
}

function newestGeneration(vm: Vm, changes: readonly Change[]): number {
  return changes.reduce(
    (newest, change) => (change.type === 'vm.desired' ? Math.max(newest, change.generation) : newest),
    vm.generation,
  );
}

function stayed(vm: Vm, state: 'running' | 'paused', fault: Fault | null | undefined): Fault {
  const { code = 10, reason = 'NOT_HANDED_OVER', message = 'it was called off' } = fault ?? {};
  return {
    code,
    reason,
    message: `it ${state === 'paused' ? 'is paused' : 'runs'} on ${vm.host}: ${message}`,
  };
}

function refusal({ id }: Host, { fault }: Observation, where: string): Fault {
  const { code = 9, reason = 'REFUSED', message = 'it gave no reason' } = fault ?? {};
  return { code, reason, message: `${id} refused it: ${message}; ${where}` };
}

function gone({ id }: Host): Fault {
  return obstacle('MISSING', `its domain has vanished from ${id}`);
}
