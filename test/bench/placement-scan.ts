/**
 * What the index is held against: looking at every host, without making garbage, in columns that lie close together.
 * The plain scan is the one that anybody would write. The tuned scan asks the same in an order that suits the machine:
 * whether a host could still win and has enough of what decides most is one sign bit, so that one branch is nearly
 * always taken. It is the fastest of several that were tried. Both give the very host that the index gives.
 */
import type { FreeColumns } from '../../scheduler/core/host-table.js';
import type { Resources } from '../../scheduler/core/model.js';

export interface ScanColumns {
  free: FreeColumns;
  hosts: number;
  /** The number of each host's site, by row. */
  site: Uint8Array;
  /** Where each host's id stands among all ids, by row. */
  order: Int32Array;
}

/** Finds the row of the best host on one of these sites, a bit each, that is not among the excluded rows; or -1. */
export type Scan = (
  columns: ScanColumns,
  needs: Resources,
  sites: number,
  excluded: Int32Array | null,
) => number;

/** Above any amount; for what has not been found yet. */
const endless = 0x7fff_ffff;

export const plainScan: Scan = ({ free, hosts, site, order }, needs, sites, excluded) => {
  const { freeVcpus, freeMemoryMib, freeDiskMib, freeVms, contentStarts } = free;
  const { vcpus, memoryMib, diskMib } = needs;
  let best = -1;
  let bestGib = endless;
  let bestStart = endless;
  let bestVcpus = endless;
  for (let row = 0; row < hosts; row += 1) {
    const hasMemory = freeMemoryMib[row] as number;
    if (hasMemory < memoryMib) continue;
    const hasVcpus = freeVcpus[row] as number;
    if (hasVcpus < vcpus || (freeDiskMib[row] as number) < diskMib || (freeVms[row] as number) < 1) continue;
    if (((sites >>> (site[row] as number)) & 1) === 0) continue;
    const gib = hasMemory >> 10;
    if (gib > bestGib) continue;
    const start = contentStarts[row] as number;
    if (gib === bestGib) {
      if (start > bestStart) continue;
      if (start === bestStart) {
        if (hasVcpus > bestVcpus) continue;
        if (hasVcpus === bestVcpus && (order[row] as number) > (order[best] as number)) continue;
      }
    }
    if (excluded?.includes(row)) continue;
    best = row;
    bestGib = gib;
    bestStart = start;
    bestVcpus = hasVcpus;
  }
  return best;
};

export const tunedScan: Scan = ({ free, hosts, site, order }, needs, sites, excluded) => {
  const { freeVcpus, freeMemoryMib, freeDiskMib, freeVms, contentStarts } = free;
  const { vcpus, memoryMib, diskMib } = needs;
  let best = -1;
  /** The most memory in the GiB of the best one, and the least. */
  let mostMemory = endless;
  let leastMemory = endless;
  let bestStart = endless;
  let bestVcpus = endless;
  for (let row = 0; row < hosts; row += 1) {
    const hasMemory = freeMemoryMib[row] as number;
    const hasVcpus = freeVcpus[row] as number;
    // Below zero when one of the differences is. None can overflow: no host has an endless amount.
    if (((hasMemory - memoryMib) | (mostMemory - hasMemory) | (hasVcpus - vcpus)) < 0) continue;
    if ((freeDiskMib[row] as number) < diskMib || (freeVms[row] as number) < 1) continue;
    if (((sites >>> (site[row] as number)) & 1) === 0) continue;
    const start = contentStarts[row] as number;
    if (hasMemory >= leastMemory) {
      if (start > bestStart) continue;
      if (start === bestStart) {
        if (hasVcpus > bestVcpus) continue;
        if (hasVcpus === bestVcpus && (order[row] as number) > (order[best] as number)) continue;
      }
    }
    if (excluded?.includes(row)) continue;
    best = row;
    leastMemory = hasMemory & ~1023;
    mostMemory = hasMemory | 1023;
    bestStart = start;
    bestVcpus = hasVcpus;
  }
  return best;
};

/** As the scans, of what hosts have beyond whole slots: the least of that, the fewest slots, the fewest vCPUs. */
export function scanBeyondSlots(
  { free, hosts, site, order }: ScanColumns,
  totalMemoryMib: Int32Array,
  slotMib: number,
  needs: Resources,
  sites: number,
  excluded: Int32Array | null,
): number {
  const keys = (row: number): number[] => {
    const has = free.freeMemoryMib[row] as number;
    const total = totalMemoryMib[row] as number;
    const parted = total > slotMib && (total % slotMib) * 8 >= slotMib;
    const rest = parted ? has % slotMib : has;
    return [rest, has - rest, free.freeVcpus[row] as number, order[row] as number];
  };
  let best = -1;
  let bestKeys: number[] = [];
  for (let row = 0; row < hosts; row += 1) {
    if ((free.freeVcpus[row] as number) < needs.vcpus || (free.freeDiskMib[row] as number) < needs.diskMib)
      continue;
    if ((free.freeVms[row] as number) < 1 || ((sites >>> (site[row] as number)) & 1) === 0) continue;
    const its = keys(row);
    if ((its[0] as number) < needs.memoryMib || excluded?.includes(row)) continue;
    const differing = its.findIndex((key, at) => key !== bestKeys[at]);
    if (best >= 0 && (its[differing] as number) > (bestKeys[differing] as number)) continue;
    best = row;
    bestKeys = its;
  }
  return best;
}
