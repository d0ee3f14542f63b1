/** How far the drain of a host is: what is left there, what of it moves, and what is in the way of the rest. */
import type { Fault, Host, Vm } from '../model.js';
import { notSettled, obstacle } from '../moves/obstacles.js';
import { byImportance } from '../priority.js';
import type { State } from '../state.js';

/** A move that nobody waits for any more, having been cancelled or taken too long, comes to its end within this time. */
const endsWithinMs = 300_000;

export interface DrainProgress {
  /** VMs that it has still. */
  left: number;
  /** Of these those that are on their way. */
  moving: number;
  /** Of these those that cannot leave, in the order in which VMs leave: the most important first, then the oldest. */
  obstacles: { vm: Vm; fault: Fault }[];
  /** Nothing is left, and for none that has left a place is still kept here. */
  isDrained: boolean;
}

/** Without `nowMs` a move counts as one that goes on, however long it takes. */
export function drainProgress(state: State, { id }: Host, nowMs = 0): DrainProgress {
  const obstacles: DrainProgress['obstacles'] = [];
  let left = 0;
  let moving = 0;
  for (const vm of state.vmsOfHost(id)) {
    left += 1;
    const fault = inTheWay(vm, nowMs);
    if (fault !== null) obstacles.push({ vm, fault });
    else if (vm.move !== undefined) moving += 1;
  }
  obstacles.sort((a, b) => byImportance(a.vm, b.vm));
  return { left, moving, obstacles, isDrained: left === 0 && state.moving.withPeer(id).size === 0 };
}

/** What was said when it was tried, or that it is not tried because it is not what it should be and nobody sees to that. */
function inTheWay(vm: Vm, nowMs: number): Fault | null {
  const { move, operation, fault, desired, unsettledMs = nowMs } = vm;
  if (operation !== null || (move !== undefined && nowMs - unsettledMs < endsWithinMs)) return null;
  if (fault !== null) return fault;
  if (desired === 'deleted')
    return obstacle('NOT_DELETED', 'it is to be deleted, and its host has not done it');
  if (move !== undefined)
    return obstacle('NOT_MOVED', 'it is to be on another host, and its hosts do not say where it is');
  return notSettled(vm);
}

/** Whether nothing of an active drain moves or could: something is in the way of everything that is left. */
export function isStuck({ drain }: Host, { left, moving, obstacles }: DrainProgress): boolean {
  return drain?.state === 'active' && left > 0 && moving === 0 && obstacles.length === left;
}
