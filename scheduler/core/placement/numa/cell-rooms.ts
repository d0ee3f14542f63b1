/**
 * What room hosts and their cells have for VMs with a layout.
 *
 * VMs without one float: they may be in any cell, and nobody knows in which. A cell is therefore thought of as having
 * all that VMs bound to it have left, and a VM must find room in its cells and in the host as a whole. That is sound, since
 * what floats can make way for what is bound as long as the sum over all cells is enough. What the host keeps for
 * itself floats as well.
 *
 * CPUs that one VM has to itself are taken whole, and the overcommit is of those that are left. So many can be
 * dedicated that the others still carry the vCPUs that share them.
 */
import type { Host, NumaCell } from '../../model.js';
import { type CellClaim, type CellClaims, noCellClaim } from './cell-claims.js';
import type { Layout } from './layout.js';

/** What is asked of the hosts, by row. */
export interface CellHosts {
  readonly hosts: readonly Host[];
  freeVcpus: Int32Array;
  freeMemoryMib: Int32Array;
  /** vCPUs offered for each 100 CPUs. */
  vcpuPercent(row: number): number;
  /** vCPUs that share the host's CPUs. */
  sharedVcpus(row: number): number;
}

const noCells: readonly NumaCell[] = [];

export class CellRooms {
  readonly #table: CellHosts;
  readonly #claims: CellClaims;

  constructor(table: CellHosts, claims: CellClaims) {
    this.#table = table;
    this.#claims = claims;
  }

  cells(row: number): readonly NumaCell[] {
    return this.#table.hosts[row]?.capacity.cells ?? noCells;
  }

  /** CPUs that can still be taken whole of a host; below 0 when it is told to have fewer than VMs hold. */
  dedicable(row: number): number {
    const cpus = this.#table.hosts[row]?.capacity.vcpus ?? 0;
    const dedicated = this.#claims.of(row)?.dedicatedCpus ?? 0;
    return cpus - dedicated - this.#cpusFor(row, this.#table.sharedVcpus(row));
  }

  /** What a host's pool of hugepages has free over all cells. */
  hugeMib(row: number, sizeKib: number): number {
    let free = -(this.#claims.of(row)?.hugeMib.get(sizeKib) ?? 0);
    for (const cell of this.cells(row)) free += poolMib(cell, sizeKib);
    return free;
  }

  /** What VMs with a layout hold more of than the host has, in words. */
  short(row: number): string[] {
    const claims = this.#claims.of(row);
    if (claims === undefined) return [];
    const short: string[] = [];
    if (claims.dedicatedCpus > 0 && this.dedicable(row) < 0) short.push('dedicated CPUs');
    for (const [sizeKib, held] of claims.hugeMib)
      if (held > 0 && this.hugeMib(row, sizeKib) < 0) short.push(`hugepages of ${sizeKib} KiB`);
    for (const [id, claim] of claims.cells)
      if (this.#isCellShort(row, id, claim)) short.push(`NUMA cell ${id}`);
    return short;
  }

  #isCellShort(row: number, id: number, claim: CellClaim): boolean {
    const { dedicatedCpus, sharedVcpus, memoryMib, hugeMib } = claim;
    const cell = this.cells(row).find((one) => one.id === id);
    if (cell === undefined) return dedicatedCpus + sharedVcpus > 0;
    const isShared =
      sharedVcpus > 0 && this.cellVcpus(row, cell, { dedicatedCpus: false, hugepageKib: 0 }) < 0;
    if (isShared || cell.cpus < dedicatedCpus || cell.memoryMib < memoryMib) return true;
    return [...hugeMib].some(([sizeKib, held]) => held > poolMib(cell, sizeKib));
  }

  /** What the host as a whole has for such a layout. */
  hostVcpus(row: number, { dedicatedCpus }: Kind): number {
    return dedicatedCpus ? this.dedicable(row) : (this.#table.freeVcpus[row] as number);
  }

  hostMemoryMib(row: number, { hugepageKib }: Kind): number {
    return hugepageKib > 0 ? this.hugeMib(row, hugepageKib) : (this.#table.freeMemoryMib[row] as number);
  }

  /** What one of its cells has. */
  cellVcpus(row: number, cell: NumaCell, { dedicatedCpus }: Kind): number {
    const claim = this.#claims.of(row)?.cells.get(cell.id) ?? noCellClaim;
    const cpus = cell.cpus - claim.dedicatedCpus;
    if (dedicatedCpus) return cpus - this.#cpusFor(row, claim.sharedVcpus);
    return Math.floor((cpus * this.#table.vcpuPercent(row)) / 100) - claim.sharedVcpus;
  }

  cellMemoryMib(row: number, cell: NumaCell, { hugepageKib }: Kind): number {
    const claim = this.#claims.of(row)?.cells.get(cell.id) ?? noCellClaim;
    if (hugepageKib === 0) return cell.memoryMib - claim.memoryMib;
    return poolMib(cell, hugepageKib) - (claim.hugeMib.get(hugepageKib) ?? 0);
  }

  /** Whether the host as a whole has what its cells may or may not have. */
  fitsWhole(row: number, layout: Layout): boolean {
    return this.hostVcpus(row, layout) >= layout.vcpus && this.hostMemoryMib(row, layout) >= layout.memoryMib;
  }

  /** How many cells of a host have room for their part of a layout. */
  fitting(row: number, layout: Layout): number {
    let count = 0;
    for (const cell of this.cells(row)) if (this.#fits(row, cell, layout)) count += 1;
    return count;
  }

  /**
   * The cells that a VM gets, ascending by id: of those with room the ones with the least memory left, then the fewest
   * CPUs, then the lowest id, so that whole cells stay whole. Empty for one that floats.
   */
  choose(row: number, layout: Layout): number[] {
    if (layout.cells === 0) return [];
    return this.cells(row)
      .filter((cell) => this.#fits(row, cell, layout))
      .map((cell) => ({
        id: cell.id,
        memoryMib: this.cellMemoryMib(row, cell, layout),
        vcpus: this.cellVcpus(row, cell, layout),
      }))
      .sort((a, b) => a.memoryMib - b.memoryMib || a.vcpus - b.vcpus || a.id - b.id)
      .slice(0, layout.cells)
      .map(({ id }) => id)
      .sort((a, b) => a - b);
  }

  /** Whether these cells of a host have room for a layout, each for its part. */
  fitsOn(row: number, layout: Layout, ids: readonly number[]): boolean {
    if (ids.length !== layout.cells) return false;
    return ids.every((id) => this.cells(row).some((cell) => cell.id === id && this.#fits(row, cell, layout)));
  }

  #fits(row: number, cell: NumaCell, layout: Layout): boolean {
    return (
      this.cellVcpus(row, cell, layout) >= layout.vcpus / layout.cells &&
      this.cellMemoryMib(row, cell, layout) >= layout.memoryMib / layout.cells
    );
  }

  /** How many CPUs it takes to carry so many vCPUs. */
  #cpusFor(row: number, vcpus: number): number {
    return Math.ceil((100 * vcpus) / this.#table.vcpuPercent(row));
  }
}

/** What of a layout decides where room for it is counted. */
export type Kind = Pick<Layout, 'dedicatedCpus' | 'hugepageKib'>;

function poolMib({ hugepages }: NumaCell, wantedKib: number): number {
  for (const { sizeKib, count } of hugepages) if (sizeKib === wantedKib) return (sizeKib * count) / 1024;
  return 0;
}
