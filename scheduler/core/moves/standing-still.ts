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

/** The other host has it: what the owner has of it is never to run again, and is taken away. */
export function clears(vm: Vm, move: Move): Change[] {
  if (move.phase === 'clearing') return [];
  return [nextPhase(vm, move, 'clearing', { arrived: true })];
}

/**
 * The move was called off, and the owner, which knows that, has it paused: from now on nothing can arrive, so that the next word of
 * the other host says whether it has. Empty when that is asked already, or the owner does not know yet.
 */
export function asksPeer(vm: Vm, move: Move, seen: Observation): Change[] {
  const isTold = (seen.toldGeneration ?? 0) >= vm.generation;
  if (move.phase !== 'aborting' || move.paused === true || !isTold) return [];
  return [nextPhase(vm, move, 'aborting', { paused: true })];
}

/** It is paused on its owner, and nowhere else. */
export function pausedAtOwner({ host }: Vm, { peer, fault }: Move): Fault {
  const why = fault === undefined ? '' : `${fault.message}. `;
  return {
    code: 10,
    reason: 'PAUSED_BY_MOVE',
    message: `it is paused on ${host}, and not on ${peer}: ${why}Stop it with --force and start it, or have it resumed by hand on ${host}`,
  };
}
