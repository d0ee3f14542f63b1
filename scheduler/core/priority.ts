/** How VMs give way to one another: one of a higher class may take the room of one of a lower, and of no other. */
import type { Priority, Vm } from './model.js';

/** The lowest first. */
export const priorities: readonly Priority[] = ['spare', 'low', 'normal', 'high', 'critical'];

/** The class of VMs that do not say. */
export const plainPriority: Priority = 'normal';

export function priorityOf({ priority = plainPriority }: { priority?: Priority }): Priority {
  return priority;
}

export function isBelow(vm: Vm, priority: Priority): boolean {
  return priorities.indexOf(priorityOf(vm)) < priorities.indexOf(priority);
}

/** The order in which VMs leave a host: the most important first, and of these the oldest. */
export function byImportance(one: Vm, other: Vm): number {
  const rank = (vm: Vm) => priorities.indexOf(priorityOf(vm));
  return rank(other) - rank(one) || one.createdSequence - other.createdSequence;
}
