/**
 * Which sizes the VMs have that hold resources now, and from them the size of the slots worth keeping whole: the
 * largest that VMs of a fair share of all memory have. Only the past is used, and only as counts.
 */
import type { Resources } from '../../model.js';

/** VMs of at least the slot's size hold at least one part in this many of the memory that VMs hold. */
const fairShare = 16;

export class SizeTally {
  readonly #count = new Map<number, number>();
  #memoryMib = 0;
  #vcpus = 0;

  /** A VM comes (`sign` 1) or goes. */
  note({ memoryMib, vcpus }: Readonly<Resources>, sign: 1 | -1): void {
    this.#memoryMib += sign * memoryMib;
    this.#vcpus += sign * vcpus;
    const count = (this.#count.get(memoryMib) ?? 0) + sign;
    if (count === 0) this.#count.delete(memoryMib);
    else this.#count.set(memoryMib, count);
  }

  /**
   * The slot in MiB, for hosts with this much altogether; 0 when none is worth keeping, as when vCPUs run out before
   * memory does.
   */
  slot(capacity: { vcpus: number; memoryMib: number }): number {
    if (this.#vcpus * capacity.memoryMib > this.#memoryMib * capacity.vcpus) return 0;
    let held = 0;
    for (const [size, count] of [...this.#count].sort(([a], [b]) => b - a)) {
      held += size * count;
      if (held * fairShare >= this.#memoryMib) return size;
    }
    return 0;
  }
}
