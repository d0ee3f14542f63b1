/** What becomes of a move when a host of it is lost, when it takes too long, or when it is cancelled. */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { isProvenOff } from '../elsewhere/evacuation.js';
import { secondCopy } from '../elsewhere/second-copy.js';
import type { Fault, Host, Move, Vm } from '../model.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { arrives, handedOver, known, leavesBehind, nextPhase, peerReleased, stays } from './move-changes.js';
import { placedAnew, placedElsewhere, staysWithoutOwner } from './move-changes.js';
import { isThere, obstacle } from './obstacles.js';
import { isPausedAtOwner, pausedAtOwner } from './standing-still.js';

const deadlineExceeded = 4;

/** To be asked again and again while a VM moves; nearly always nothing follows. */
export function settleMove(state: State, { uid }: CommandOf<'vm.move_settle'>): Decision<Vm> {
  const vm = state.vms.get(uid);
  if (vm === undefined) return { refusal: notFound('VM', `vms/${uid}`) };
  const { move } = vm;
  const owner = state.hosts.get(vm.host ?? '');
  const recovering = owner !== undefined && state.federation.recoveringSites.includes(owner.site);
  const changes =
    move === undefined || owner === undefined || recovering ? [] : settle(state, vm, move, owner);
  return { changes, reply: () => vm };
}

function settle(state: State, vm: Vm, move: Move, owner: Host): Change[] {
  if (isProvenOff(owner, vm)) {
    const settleIt = move.mode === 'cold' ? settleColdWithoutOwner : settleWithoutOwner;
    return settleIt(state, vm, move, owner);
  }
  if (move.mode === 'cold') return [];
  if (isOff(state, move.peer)) {
    const fault = obstacle('HOST_GONE', `${move.peer} is off, and it was on its way there`);
    if (move.left === true) return [...placedAnew(state, vm, move, owner, fault), ...lost(state, vm, move)];
    if (isPausedAtOwner(vm)) {
      if (move.phase === 'handing_over') return [nextPhase(vm, move, 'aborting', { fault })];
      // Its owner has said so after it had heard that nothing is handed over any more.
      if (move.paused === true) return stays(state, vm, move, pausedAtOwner(vm, move));
    }
    // It is with its owner, or was with the one that is off; the owner says which.
    return move.phase === 'getting_ready' ? stays(state, vm, move, fault) : [];
  }
  if (move.phase !== 'getting_ready' || isThere(state, move.peer)) return [];
  const fault = obstacle('HOST_GONE', `${move.peer} is not connected; it runs on ${owner.id}`);
  return stays(state, vm, move, fault);
}

/** Whether a host is proven to be off, or is one no more. */
function isOff({ hosts }: State, id: string): boolean {
  const state = hosts.get(id)?.state;
  return state === undefined || state === 'fenced' || state === 'retired';
}

/** Its host is proven to be off, and was to let go of it: it is as if it had. What was only to go off stays its host's. */
function settleColdWithoutOwner(state: State, vm: Vm, move: Move, owner: Host): Change[] {
  if (move.phase === 'going_off')
    return stays(state, vm, move, obstacle('HOST_GONE', `its host ${owner.id} is off`));
  if (move.phase !== 'leaving') return [];
  // While another host has a domain of it, it waits.
  if (secondCopy(state, vm) !== null) return [];
  const placed = isThere(state, move.peer) ? arrives(state, vm, move) : placedElsewhere(state, vm, owner);
  return placed === null ? [] : [{ ...placed, leaves: leavesBehind(owner.id) }];
}

/** What arrived on a host that is off is not to be started there when it is back. */
const lost = (state: State, vm: Vm, move: Move) => peerReleased(state, vm, move, vm.generation + 1);

/** Its host is proven to be off. Whether the other one has it, only that one can say, and it has to say it after the proof. */
function settleWithoutOwner(state: State, vm: Vm, move: Move, owner: Host): Change[] {
  if (move.arrived === true) return handedOver(state, vm, move);
  const fault = obstacle('HOST_GONE', `its host ${owner.id} is off, and ${move.peer} does not have it`);
  const isPeerOff = isOff(state, move.peer);
  // Its host was seen without it, and would only say so again: it waits until another can have it.
  if (isPeerOff && move.left === true) {
    const placed = placedElsewhere(state, vm, owner);
    return placed === null ? [] : [{ ...placed, leaves: leavesBehind(owner.id) }, ...lost(state, vm, move)];
  }
  if (isPeerOff || move.phase === 'getting_ready') return staysWithoutOwner(state, vm, move, fault);
  return move.asked === true ? [] : [nextPhase(vm, move, 'aborting', { fault, asked: true })];
}

/** A move that takes too long is called off; a live one ends when it is known where the VM is. */
export function giveUpMove(state: State, { uid, message }: CommandOf<'vm.move_give_up'>): Decision<Vm> {
  const vm = state.vms.get(uid);
  if (vm === undefined) return { refusal: notFound('VM', `vms/${uid}`) };
  const { move } = vm;
  const fault: Fault = { code: deadlineExceeded, reason: 'MOVE_TIMED_OUT', message };
  const changes = move === undefined ? null : callOff(state, vm, move, fault);
  return { changes: changes ?? [], reply: () => vm };
}

/** The changes that call a move off, whose operation has ended already or ends with them; null when it is too late. */
export function callOff(state: State, vm: Vm, move: Move, fault: Fault): Change[] | null {
  switch (move.phase) {
    case 'going_off':
    case 'getting_ready':
      return stays(state, vm, move, fault);
    case 'handing_over':
      return [nextPhase(vm, move, 'aborting', { fault })];
    // What is kept for its way back is given up: it stays on the host that has it now.
    case 'arriving':
      return [known(vm, null)];
    case 'leaving':
    case 'aborting':
    case 'clearing':
      return null;
  }
}

/** Why a move cannot be cancelled any more. */
export function tooLate({ id }: Vm, { peer }: Move): Refusal {
  return refuse(
    'precondition',
    'NOT_CANCELLABLE',
    `VM "${id}" has left its host, and is about to be on ${peer}; move it back when it is there`,
  );
}
