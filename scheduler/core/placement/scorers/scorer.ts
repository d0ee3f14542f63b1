/**
 * How good a host is, of several that can take a VM. The lowest score wins, and of equal scores the lowest host id.
 * A score follows from what the host has free, and when what it holds began, and never from the request: that is what lets an index keep hosts
 * sorted, and its answer be the same as that of looking at all of them.
 */
export interface Amounts {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

export interface Scorer {
  name: string;
  /** Room for large VMs is kept whole where that costs nothing (see `slots/`). */
  keepsSlots?: true;
  /**
   * Writes a whole number, exact, for what the host of a row has free. It is written rather than returned because a
   * number of this size that a function returns may be an object of its own, and so garbage.
   */
  score(
    into: Float64Array,
    host: number,
    freeVcpus: number,
    freeMemoryMib: number,
    freeDiskMib: number,
    /** In minutes since 1970, `noContent` for an empty host. */
    contentStart: number,
  ): void;
  /** At most the score of any host that has free between `least` and `most`, which may be infinite. */
  bound(least: Amounts, most: Amounts): number;
}
