/**
 * The recent changes of VMs, in the order in which they became durable. One ring serves all watches: each has a
 * cursor into it, and one that falls out at the back has to begin again.
 */
import type { Vm } from '../core/model.js';

/** Entries that are remembered. */
export const ringSize = 65_536;

export interface RingEntry {
  /** The journal's sequence at which it became durable. */
  sequence: number;
  /** The sequence up to which a watcher that has seen this entry has seen everything. */
  seen: number;
  /** The VM; its last version when it was removed. */
  vm: Vm;
  removed: boolean;
}

export class WatchRing {
  readonly #entries: RingEntry[] = [];
  /** Number of the oldest entry kept; entries are numbered from 0 as they come. */
  #first = 0;
  /** Changes at or before this sequence may be missing. */
  #floor: number;
  readonly #listeners = new Set<() => void>();

  /** `sequence` is the journal's at the start: what happened before is not known here. */
  constructor(sequence: number) {
    this.#floor = sequence;
  }

  get end(): number {
    return this.#first + this.#entries.length;
  }

  /** The journal's sequence below which a watch cannot be resumed. */
  get floor(): number {
    return this.#floor;
  }

  add(sequence: number, vms: Iterable<{ vm: Vm; removed: boolean }>): void {
    const before = this.#entries.length;
    // Entries of one commit share a sequence: only with the last of them has it been seen whole.
    const seen = this.#entries.at(-1)?.sequence ?? this.#floor;
    for (const { vm, removed } of vms) this.#entries.push({ sequence, seen, vm, removed });
    if (this.#entries.length === before) return;
    (this.#entries.at(-1) as RingEntry).seen = sequence;
    if (this.#entries.length > ringSize * 2) {
      const dropped = this.#entries.splice(0, this.#entries.length - ringSize);
      this.#first += dropped.length;
      this.#floor = (dropped.at(-1) as RingEntry).sequence;
    }
    for (const listener of this.#listeners) listener();
  }

  /** The entry of this number, or null when it is no longer, or not yet, there. */
  at(number: number): RingEntry | null {
    return this.#entries[number - this.#first] ?? null;
  }

  isLost(number: number): boolean {
    return number < this.#first;
  }

  /** The number of the first entry after this sequence, or null when some of them may be missing. */
  after(sequence: number): number | null {
    if (sequence < this.#floor) return null;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as RingEntry).sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return this.#first + low;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
