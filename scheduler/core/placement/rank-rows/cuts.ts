/**
 * Where ranks are cut. The rank of an amount is how many cuts it reaches. Cuts are put at the sizes that requests
 * ask for, since then a host whose rank is not below the request's is known to have enough without being looked at.
 * A size that is no cut still gets an exact answer; hosts of its own rank are then looked at one by one.
 */

/** How many requests are remembered, one of every few. */
const remembered = 1024;
const oneOf = 8;

/** The cuts of one dimension, ascending. */
export class Cuts {
  constructor(readonly at: Int32Array) {}

  rank(amount: number): number {
    const { at } = this;
    let low = 0;
    let high = at.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((at[middle] as number) <= amount) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether every amount of this rank is enough for `size`, which has the rank. */
  exact(size: number, rank: number): boolean {
    return rank === 0 ? size === 0 : this.at[rank - 1] === size;
  }

  equals(other: Cuts): boolean {
    return this.at.length === other.at.length && this.at.every((cut, index) => cut === other.at[index]);
  }
}

export interface GridCuts {
  vcpus: Cuts;
  memoryMib: Cuts;
  diskMib: Cuts;
}

/** How many cuts there may be, so that there are not many more rows than hosts. */
export interface CutLimits {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

/** Shares out so many cells: memory, by which hosts are told apart first, gets what the others leave. */
export function cutLimits(cells: number): CutLimits {
  const vcpus = cells >= 1024 ? 11 : cells >= 128 ? 6 : 2;
  const diskMib = cells >= 1024 ? 7 : cells >= 128 ? 3 : 1;
  const memoryMib = Math.floor(cells / ((vcpus + 1) * (diskMib + 1))) - 1;
  return { vcpus, diskMib, memoryMib: Math.max(2, Math.min(95, memoryMib)) };
}

const powers = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from * 2 ** index);

/** The cuts while nothing has been asked for yet: the sizes that VMs have everywhere. */
export function firstCuts(limits: CutLimits): GridCuts {
  return {
    vcpus: cutsAt(powers(1, 7), limits.vcpus),
    memoryMib: cutsAt(powers(512, 11), limits.memoryMib),
    diskMib: cutsAt(powers(4096, 8), limits.diskMib),
  };
}

/** The sizes of some of the last requests. It is taken by count, so the same requests always leave the same. */
export class SizeSample {
  readonly #vcpus = new Int32Array(remembered);
  readonly #memoryMib = new Int32Array(remembered);
  readonly #diskMib = new Int32Array(remembered);
  #seen = 0;

  note(vcpus: number, memoryMib: number, diskMib: number): void {
    this.#seen += 1;
    if (this.#seen % oneOf !== 0) return;
    const at = (this.#seen / oneOf) % remembered;
    this.#vcpus[at] = vcpus;
    this.#memoryMib[at] = memoryMib;
    this.#diskMib[at] = diskMib;
  }

  cuts(limits: CutLimits): GridCuts {
    return {
      vcpus: cutsAt(this.#vcpus, limits.vcpus),
      memoryMib: cutsAt(this.#memoryMib, limits.memoryMib),
      diskMib: cutsAt(this.#diskMib, limits.diskMib),
    };
  }
}

/** Cuts at these sizes, or when they are too many, at sizes that part them evenly. */
export function cutsAt(sizes: Iterable<number>, limit: number): Cuts {
  const sorted = Int32Array.from(sizes).sort();
  const positive = sorted.subarray(sorted.findIndex((size) => size > 0));
  const distinct = [...new Set(positive)].filter((size) => size > 0);
  if (distinct.length <= limit) return new Cuts(Int32Array.from(distinct));
  const even = Array.from(
    { length: limit },
    (_, index) => positive[Math.floor((index * positive.length) / limit)] as number,
  );
  return new Cuts(Int32Array.from(new Set(even)));
}
