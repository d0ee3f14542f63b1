/**
 * VMs in the order of their creation, so that a listing can be continued from where it stopped without sorting or
 * skipping a million of them.
 */
import type { Vm } from './model.js';

/** Below this many emptied rows compaction is not worth its copy. */
const compactFrom = 1024;

export class VmOrder {
  #rows: (Vm | null)[] = [];
  /** `createdSequence` of each row, rising and unique; it stays when the row is emptied. */
  #sequences: number[] = [];
  #emptied = 0;

  /** VMs must come in the order of `createdSequence`. */
  add(vm: Vm): void {
    this.#rows.push(vm);
    this.#sequences.push(vm.createdSequence);
  }

  /** As `add` of each, into an empty order. */
  addAll(vms: readonly Vm[]): void {
    this.#rows = vms.slice();
    this.#sequences = vms.map(({ createdSequence }) => createdSequence);
  }

  remove(vm: Vm): void {
    const row = this.#firstAfter(vm.createdSequence) - 1;
    if (this.#rows[row] !== vm) return;
    this.#rows[row] = null;
    this.#emptied += 1;
    if (this.#emptied > compactFrom && this.#emptied * 2 > this.#rows.length) this.#compact();
  }

  /** VMs created after the one with this sequence, the oldest first. Not to be kept across changes. */
  *after(createdSequence: number): IterableIterator<Vm> {
    for (let row = this.#firstAfter(createdSequence); row < this.#rows.length; row += 1) {
      const vm = this.#rows[row];
      if (vm) yield vm;
    }
  }

  #firstAfter(createdSequence: number): number {
    let low = 0;
    let high = this.#sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sequences[middle] as number) <= createdSequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    this.#rows = this.#rows.filter((vm) => vm !== null);
    this.#sequences = this.#rows.map((vm) => (vm as Vm).createdSequence);
    this.#emptied = 0;
  }
}
