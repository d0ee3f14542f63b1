/**
 * Stopped VMs that give up their vCPUs and their memory until they start, where their administration has it so. One that
 * holds extras, hugepages or cells keeps everything: it could not be sure to start again.
 */
import { isSettled } from './lifecycle/vm.js';
import type { StoppedVms, Vm } from './model.js';
import { holdsMore } from './placement/displacement.js';
import { hasGivenUp, type State } from './state.js';

/** What stopped VMs of an administration hold: as it says itself, or the nearest above it that says so. */
export function inheritedPolicy(state: State, administration: string | null): StoppedVms {
  for (let at = administration; at !== null; at = state.administrations.get(at)?.parent ?? null) {
    const policy = state.administrations.get(at)?.stoppedVms;
    if (policy !== undefined) return policy;
  }
  return 'keep';
}

/** Whether it was seen stopped as it should be, and has something to give up. */
export function canPark(vm: Vm): boolean {
  return vm.desired === 'stopped' && isSettled(vm) && mayPark(vm);
}

/** Whether it has something to give up, once it is seen stopped. */
export function mayPark(vm: Vm): boolean {
  return vm.host !== null && !hasGivenUp(vm) && !holdsMore(vm);
}
