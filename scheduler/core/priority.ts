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
