/**
 * What hosts have free, in columns: placement reads nothing else for every host, so a decision touches a few
 * bytes a host and makes no garbage. A row belongs to a host for as long as the host exists.
 */
import type { Host, Resources } from './model.js';
import type { Scorer } from './placement/scorers/scorer.js';
import { type SlotHosts, SlotRows } from './placement/slots/slot-rows.js';

const initialRows = 64;

/** What each host has free, by row. */
export interface FreeColumns {
  freeVcpus: Int32Array;
  freeMemoryMib: Int32Array;
  freeDiskMib: Int32Array;
  freeVms: Int32Array;
}

export interface HostTableOptions {
  /** Which of several hosts is the best. */
  scorer: Scorer;
  /** vCPUs offered for each 100 CPUs of the host. */
  vcpuPercent(host: Host): number;
  /** Told of every change of what a host has free. */
  changed(row: number): void;
}

export class HostTable implements SlotHosts {
  /** Rows in use, dense: `0 .. count - 1`. */
  count = 0;
  hosts: Host[] = [];
  freeVcpus = new Int32Array(initialRows);
  freeMemoryMib = new Int32Array(initialRows);
  freeDiskMib = new Int32Array(initialRows);
  freeVms = new Int32Array(initialRows);
  /** Finds the best host; it is told of every change of what hosts have free. */
  readonly index: SlotRows;
  readonly #rowOf = new Map<string, number>();
  readonly #claimed = new Map<string, Resources>();

  readonly #options: HostTableOptions;

  constructor(options: HostTableOptions) {
    this.#options = options;
    this.index = new SlotRows(this, options.scorer);
  }

  row(id: string): number | undefined {
    return this.#rowOf.get(id);
  }

  /** What the VMs of a host hold; zeros for a host without any. */
  claimed(id: string): Readonly<Resources> {
    return this.#claimed.get(id) ?? { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };
  }

  /** What a host offers to VMs: what it has, and of the vCPUs the share that the overcommit makes of them. */
  capacity(host: Host): Resources {
    return { ...host.capacity, vcpus: this.#vcpus(host) };
  }

  #vcpus(host: Host): number {
    return Math.floor((host.capacity.vcpus * this.#options.vcpuPercent(host)) / 100);
  }

  /** The vCPUs and memory that the host of a row offers. */
  shape(row: number): { vcpus: number; memoryMib: number } {
    const host = this.hosts[row] as Host;
    return { vcpus: this.#vcpus(host), memoryMib: host.capacity.memoryMib };
  }

  /** A host that joins again keeps its row. */
  add(host: Host): void {
    const known = this.#rowOf.get(host.id);
    if (known !== undefined) {
      this.hosts[known] = host;
      this.refresh(host);
      return;
    }
    if (this.count === this.freeVcpus.length) this.#grow();
    this.#rowOf.set(host.id, this.count);
    this.hosts[this.count] = host;
    this.#claimed.set(host.id, { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });
    this.count += 1;
    this.index.add(host.id);
    this.refresh(host);
  }

  /** Adds (`sign` 1) or returns (`sign` -1) what a VM holds. */
  claim(id: string, resources: Resources, sign: 1 | -1): void {
    const row = this.#rowOf.get(id);
    const claimed = this.#claimed.get(id);
    if (row === undefined || claimed === undefined) throw new Error(`a claim on unknown host ${id}`);
    claimed.vcpus += sign * resources.vcpus;
    claimed.memoryMib += sign * resources.memoryMib;
    claimed.diskMib += sign * resources.diskMib;
    claimed.vms += sign * resources.vms;
    this.index.note(resources, sign);
    this.#write(row, this.hosts[row] as Host, claimed);
  }

  /** To be called after a host's capacity has changed. Free amounts may be negative then. */
  refresh(host: Host): void {
    const row = this.#rowOf.get(host.id);
    if (row === undefined) throw new Error(`no row for host ${host.id}`);
    this.index.shape(row);
    this.#write(row, host, this.claimed(host.id));
  }

  #write(row: number, host: Host, claimed: Readonly<Resources>): void {
    const { capacity } = host;
    this.freeVcpus[row] = this.#vcpus(host) - claimed.vcpus;
    this.freeMemoryMib[row] = capacity.memoryMib - claimed.memoryMib;
    this.freeDiskMib[row] = capacity.diskMib - claimed.diskMib;
    this.freeVms[row] = capacity.vms - claimed.vms;
    this.index.update(row);
    this.#options.changed(row);
  }

  #grow(): void {
    const grow = (column: Int32Array<ArrayBuffer>) => {
      const larger = new Int32Array(column.length * 2);
      larger.set(column);
      return larger;
    };
    this.freeVcpus = grow(this.freeVcpus);
    this.freeMemoryMib = grow(this.freeMemoryMib);
    this.freeDiskMib = grow(this.freeDiskMib);
    this.freeVms = grow(this.freeVms);
  }
}
