/**
 * What VMs with a layout hold of hosts beyond the ordinary columns: whole CPUs, hugepages, and parts of single cells.
 * Hosts without such VMs are not in here.
 */
import type { Layout } from './layout.js';

/** What VMs that are bound to one cell hold of it. */
export interface CellClaim {
  dedicatedCpus: number;
  /** vCPUs that share the other CPUs. */
  sharedVcpus: number;
  /** Ordinary memory. */
  memoryMib: number;
  /** By the size of the pages in KiB. */
  hugeMib: Map<number, number>;
}

export interface HostClaims {
  vms: number;
  dedicatedCpus: number;
  /** Also of VMs that are bound to no cell. */
  hugeMib: Map<number, number>;
  /** By the cell's id; also cells that the host has no more. */
  cells: Map<number, CellClaim>;
}

export const noCellClaim: Readonly<CellClaim> = {
  dedicatedCpus: 0,
  sharedVcpus: 0,
  memoryMib: 0,
  hugeMib: new Map(),
};

export class CellClaims {
  readonly #hosts = new Map<number, HostClaims>();

  of(row: number): HostClaims | undefined {
    return this.#hosts.get(row);
  }

  /** A VM takes its part of these cells (`sign` 1), or gives it back. */
  claim(row: number, layout: Layout, cells: readonly number[], sign: 1 | -1): void {
    const host = this.#host(row);
    const { dedicatedCpus, hugepageKib, vcpus, memoryMib } = layout;
    host.vms += sign;
    if (dedicatedCpus) host.dedicatedCpus += sign * vcpus;
    if (hugepageKib > 0) add(host.hugeMib, hugepageKib, sign * memoryMib);
    for (const id of cells) {
      const cell = host.cells.get(id) ?? { ...noCellClaim, hugeMib: new Map<number, number>() };
      host.cells.set(id, cell);
      if (dedicatedCpus) cell.dedicatedCpus += (sign * vcpus) / layout.cells;
      else cell.sharedVcpus += (sign * vcpus) / layout.cells;
      if (hugepageKib > 0) add(cell.hugeMib, hugepageKib, (sign * memoryMib) / layout.cells);
      else cell.memoryMib += (sign * memoryMib) / layout.cells;
    }
    if (host.vms === 0) this.#hosts.delete(row);
  }

  #host(row: number): HostClaims {
    let host = this.#hosts.get(row);
    if (host === undefined) {
      host = { vms: 0, dedicatedCpus: 0, hugeMib: new Map(), cells: new Map() };
      this.#hosts.set(row, host);
    }
    return host;
  }
}

function add(amounts: Map<number, number>, key: number, by: number): void {
  amounts.set(key, (amounts.get(key) ?? 0) + by);
}
