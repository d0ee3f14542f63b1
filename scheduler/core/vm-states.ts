/**
 * How many VMs are seen in each state, and which ones are seen in one that somebody has to look after: few, and found
 * without going through all the others.
 */
import type { Vm, VmState } from './model.js';

const isTroubled: Record<VmState, boolean> = {
  placed: false,
  preparing: false,
  starting: false,
  running: false,
  stopping: false,
  stopped: false,
  paused: true,
  crashed: true,
  missing: true,
  failed: true,
  unknown: true,
};

export class VmStates {
  readonly #counts = new Map<VmState, number>();
  readonly #troubled = new Set<Vm>();

  /** Of those that are there by now. */
  get counts(): ReadonlyMap<VmState, number> {
    return this.#counts;
  }

  get troubled(): ReadonlySet<Vm> {
    return this.#troubled;
  }

  add(vm: Vm): void {
    this.#count(vm.state, 1);
    if (isTroubled[vm.state]) this.#troubled.add(vm);
  }

  remove(vm: Vm): void {
    this.#count(vm.state, -1);
    this.#troubled.delete(vm);
  }

  #count(state: VmState, by: 1 | -1): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + by);
  }
}
