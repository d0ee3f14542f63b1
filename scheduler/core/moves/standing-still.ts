/**
 * A VM that was handed over and stands still where it was. libvirt does not always know how a hand-over has ended: when its
 * connection breaks at the very end, the guest may run on the other host, and be paused on the first, where QEMU could not
 * have it go on since the disk is in use. Nobody resumes it there (PROTOCOL O4); what the other host says decides.
 */
import type { Change } from '../changes.js';
import type { Observation } from '../commands.js';
import type { Fault, Move, Vm } from '../model.js';
import { nextPhase } from './move-changes.js';

/** Whether the owner, by its last word, has it paused and hands nothing over. */
export function isPausedAtOwner({ state, move }: Vm): boolean {
  return state === 'paused' && (move?.phase === 'handing_over' || move?.phase === 'aborting');
}

const endedInBetween = {
  code: 10,
  reason: 'NOT_HANDED_OVER',
  message: 'its hand-over has ended in between',
};

/** The other host has it: what the owner has of it is never to run again, and is taken away. */
export function clears(vm: Vm, move: Move): Change[] {
  if (move.phase === 'clearing') return [];
  return [nextPhase(vm, move, 'clearing', { arrived: true })];
}

/** Whether a host says this after it has heard the newest word. */
export const hasHeard = ({ generation }: Vm, { toldGeneration = 0 }: Observation): boolean =>
  toldGeneration >= generation;

/**
 * The owner has it paused, and hands nothing over any more: the move is called off, which the owner has to hear. When it has, nothing can
 * arrive, so that the next word of the other host says whether it has. Empty when that is asked already, when the owner has
 * not heard yet, or when the guest is paused by an error of its disk, say, and can still be handed over.
 */
export function asksPeer(vm: Vm, move: Move, seen: Observation): Change[] {
  if (move.paused === true || !hasHeard(vm, seen)) return [];
  if (move.phase === 'aborting') return [nextPhase(vm, move, 'aborting', { paused: true })];
  return seen.fault === null ? [] : [nextPhase(vm, move, 'aborting', { fault: endedInBetween })];
}

/** It is paused on its owner, and nowhere else. */
export function pausedAtOwner({ host }: Vm, { peer, fault }: Move): Fault {
  const why = fault === undefined ? '' : `${fault.message}. `;
  return {
    code: 10,
    reason: 'PAUSED_BY_MOVE',
    message: `it is paused on ${host}, and not on ${peer}: ${why}Stop it with --force, after which it is missing, and start it; or have it resumed by hand on ${host}`,
  };
}
