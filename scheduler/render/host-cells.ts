/** What a host has of NUMA cells and hugepages, and what VMs hold of them, as messages. */
import type { HostNumaCell } from '../../proto/gen/secovia/v1/HostNumaCell.js';
import type { HugepagePool } from '../../proto/gen/secovia/v1/HugepagePool.js';
import type { Host, NumaCell, PagePool } from '../core/model.js';
import type { HostClaims } from '../core/placement/numa/cell-claims.js';

export interface HostCells {
  numaCells: HostNumaCell[];
  hugepages: HugepagePool[];
}

export function hostCellsMessage({ capacity }: Host, claims: HostClaims | undefined): HostCells {
  const { cells = [] } = capacity;
  return {
    numaCells: cells.map((cell) => cellMessage(cell, claims)),
    hugepages: poolsOf(cells).map((pool) => poolMessage(pool, claims?.hugeMib)),
  };
}

function cellMessage(
  { id, cpus, memoryMib, hugepages }: NumaCell,
  claims: HostClaims | undefined,
): HostNumaCell {
  const held = claims?.cells.get(id);
  return {
    id,
    cpus,
    dedicatedCpus: held?.dedicatedCpus ?? 0,
    claimedVcpus: held?.sharedVcpus ?? 0,
    memoryMib,
    claimedMemoryMib: held?.memoryMib ?? 0,
    hugepages: hugepages.map((pool) => poolMessage(pool, held?.hugeMib)),
  };
}

function poolMessage(
  { sizeKib, count }: PagePool,
  heldMib: ReadonlyMap<number, number> | undefined,
): HugepagePool {
  return { sizeKib, count, claimed: ((heldMib?.get(sizeKib) ?? 0) * 1024) / sizeKib };
}

/** Over all cells. */
function poolsOf(cells: readonly NumaCell[]): PagePool[] {
  const counts = new Map<number, number>();
  for (const { hugepages } of cells) {
    for (const { sizeKib, count } of hugepages) counts.set(sizeKib, (counts.get(sizeKib) ?? 0) + count);
  }
  return [...counts].map(([sizeKib, count]) => ({ sizeKib, count })).sort((a, b) => a.sizeKib - b.sizeKib);
}
