/**
 * How many VMs are seen in each state, and which ones somebody may have to look after, for that state or because nobody waits for
 * what they should be: few, and found without going through all the others.
 */
import type { Vm, VmState } from './model.js';

/** Those that somebody may have to look after. */
export const isTroubled: Record<VmState, boolean> = {
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
    this.look(vm);
  }

  /** To be called when it has become unsettled, or is so no more. */
  look(vm: Vm): void {
    if (isTroubled[vm.state] || vm.unsettledMs !== undefined) this.#troubled.add(vm);
    else this.#troubled.delete(vm);
  }

  remove(vm: Vm): void {
    this.#count(vm.state, -1);
    this.#troubled.delete(vm);
  }

  #count(state: VmState, by: 1 | -1): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + by);
  }
}
