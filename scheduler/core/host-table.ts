/**
 * What hosts have free, in columns: placement reads nothing else for every host, so a decision touches a few
 * bytes a host and makes no garbage. A row belongs to a host for as long as the host exists.
 */
import type { Extras, Host, HostCapacity, Resources } from './model.js';
import { ContentStarts } from './placement/content-starts.js';
import { ExtraHosts } from './placement/extras/extra-hosts.js';
import type { Scorer } from './placement/scorers/scorer.js';
import { CellClaims, type HostClaims } from './placement/numa/cell-claims.js';
import { CellRooms } from './placement/numa/cell-rooms.js';
import type { Layout } from './placement/numa/layout.js';
import { RoomIndexes } from './placement/numa/room-indexes.js';
import { type SlotHosts, SlotRows } from './placement/slots/slot-rows.js';

const initialRows = 64;

/** What each host has free, by row. */
export interface FreeColumns {
  freeVcpus: Int32Array;
  freeMemoryMib: Int32Array;
  freeDiskMib: Int32Array;
  freeVms: Int32Array;
  /** When what it holds began, in minutes since 1970 (see `ContentStarts`). */
  contentStarts: Int32Array;
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
  /** What hosts offer to VMs altogether. */
  totalVcpus = new Int32Array(initialRows);
  totalMemoryMib = new Int32Array(initialRows);
  /** Of the vCPUs those of CPUs that no VM has to itself. */
  #offeredVcpus = new Int32Array(initialRows);
  #totalDiskMib = new Int32Array(initialRows);
  #totalVms = new Int32Array(initialRows);
  /** Finds the best host; it is told of every change of what hosts have free. */
  readonly index: SlotRows;
  /** What hosts have of counted extras. */
  readonly extras = new ExtraHosts();
  /** What VMs hold of cells, hugepages and whole CPUs, what room that leaves, and who has the best. */
  readonly cellClaims = new CellClaims();
  readonly cellRooms = new CellRooms(this, this.cellClaims);
  readonly rooms: RoomIndexes;
  readonly #content = new ContentStarts(initialRows);
  readonly #rowOf = new Map<string, number>();
  readonly #options: HostTableOptions;
  /** While many claims are taken together, the rows of which the index is yet to hear. */
  #untold: Set<number> | null = null;

  constructor(options: HostTableOptions) {
    this.#options = options;
    this.index = new SlotRows(this, options.scorer);
    const { index } = this;
    this.rooms = new RoomIndexes(this, this.cellRooms, options.scorer, index.order, (row) =>
      index.profileOf(row),
    );
  }

  get contentStarts(): Int32Array {
    return this.#content.minutes;
  }

  row(id: string): number | undefined {
    return this.#rowOf.get(id);
  }

  /** As `row`, of a host that there must be. */
  rowOf(id: string): number {
    const row = this.#rowOf.get(id);
    if (row === undefined) throw new Error(`a claim on unknown host ${id}`);
    return row;
  }

  /** What the VMs of a host hold; zeros for a host without any. */
  claimed(id: string): Resources {
    const row = this.#rowOf.get(id);
    if (row === undefined) return { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };
    return {
      vcpus: (this.totalVcpus[row] as number) - (this.freeVcpus[row] as number),
      memoryMib: (this.totalMemoryMib[row] as number) - (this.freeMemoryMib[row] as number),
      diskMib: (this.#totalDiskMib[row] as number) - (this.freeDiskMib[row] as number),
      vms: (this.#totalVms[row] as number) - (this.freeVms[row] as number),
    };
  }

  /** What the VMs of a host hold of its extras. */
  claimedExtras(id: string): Extras {
    const row = this.#rowOf.get(id);
    return row === undefined ? {} : this.extras.claimed(row);
  }

  /** What VMs hold more of than a host has, beyond the ordinary amounts, in words. */
  shortOf(row: number): string[] {
    return [...this.extras.short(row), ...this.cellRooms.short(row)];
  }

  /** Whether a host has less than its VMs hold of anything of which a new VM may need nothing. */
  isShort(row: number): boolean {
    if ((this.freeDiskMib[row] as number) < 0) return true;
    return this.extras.short(row).length > 0 || this.cellRooms.short(row).length > 0;
  }

  /** What its VMs hold of its cells, hugepages and whole CPUs; undefined when they hold none. */
  claimsOnCells(id: string): HostClaims | undefined {
    const row = this.#rowOf.get(id);
    return row === undefined ? undefined : this.cellClaims.of(row);
  }

  /** What a host offers to VMs: what it has, and of the vCPUs the share that the overcommit makes of them. */
  capacity(host: Host): HostCapacity {
    const vcpus = Math.floor((host.capacity.vcpus * this.#options.vcpuPercent(host)) / 100);
    return { ...host.capacity, vcpus };
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
    this.count += 1;
    this.index.add(host.id);
    this.rooms.add();
    this.refresh(host);
  }

  /** As `claimRow`, of what a layout takes beyond that, on these cells. */
  claimLayout(row: number, layout: Layout, cells: readonly number[], sign: 1 | -1): void {
    this.cellClaims.claim(row, layout, cells, sign);
    if (layout.dedicatedCpus) this.#offer(row, this.sharedVcpus(row));
    this.#changed(row);
  }

  vcpuPercent(row: number): number {
    return this.#options.vcpuPercent(this.hosts[row] as Host);
  }

  sharedVcpus(row: number): number {
    return (this.#offeredVcpus[row] as number) - (this.freeVcpus[row] as number);
  }

  /** What a host would offer less of, to VMs that share its CPUs, if a layout took whole CPUs of it. */
  vcpusOfDedicated(row: number, layout: Layout | undefined): number {
    if (layout?.dedicatedCpus !== true) return 0;
    return (this.#offeredVcpus[row] as number) - this.#offeredWith(row, layout.vcpus);
  }

  /** What is offered of the CPUs that are left when so many more are dedicated. */
  #offeredWith(row: number, more: number): number {
    const dedicated = (this.cellClaims.of(row)?.dedicatedCpus ?? 0) + more;
    const { capacity } = this.hosts[row] as Host;
    return Math.floor(((capacity.vcpus - dedicated) * this.vcpuPercent(row)) / 100);
  }

  /** Offers the CPUs that no VM has to itself, of which so many vCPUs are held. */
  #offer(row: number, sharedVcpus: number): void {
    this.#offeredVcpus[row] = this.#offeredWith(row, 0);
    this.freeVcpus[row] = (this.#offeredVcpus[row] as number) - sharedVcpus;
  }

  /** Adds (`sign` 1) or returns (`sign` -1) what a VM holds that was created then. */
  claimRow(row: number, resources: Readonly<Resources>, createdMs: number, sign: 1 | -1): void {
    this.freeVcpus[row] = (this.freeVcpus[row] as number) - sign * resources.vcpus;
    this.freeMemoryMib[row] = (this.freeMemoryMib[row] as number) - sign * resources.memoryMib;
    this.freeDiskMib[row] = (this.freeDiskMib[row] as number) - sign * resources.diskMib;
    this.freeVms[row] = (this.freeVms[row] as number) - sign * resources.vms;
    this.#content.claim(row, resources.memoryMib, createdMs, sign);
    this.#changed(row);
  }

  /** Many claims taken together, while nobody looks for a host: the index hears of each row once, at the end. */
  claimTogether(claims: () => void): void {
    const untold = new Set<number>();
    this.#untold = untold;
    try {
      claims();
    } finally {
      this.#untold = null;
      for (const row of untold) this.#tell(row);
    }
  }

  #changed(row: number): void {
    if (this.#untold === null) this.#tell(row);
    else this.#untold.add(row);
  }

  #tell(row: number): void {
    this.index.update(row);
    this.rooms.changed(row);
    this.#options.changed(row);
  }

  /** To be called after a host's capacity has changed. Free amounts may be negative then. */
  refresh(host: Host): void {
    const row = this.#rowOf.get(host.id);
    if (row === undefined) throw new Error(`no row for host ${host.id}`);
    const claimed = this.claimed(host.id);
    const sharedVcpus = this.sharedVcpus(row);
    const total = this.capacity(host);
    this.totalVcpus[row] = total.vcpus;
    this.totalMemoryMib[row] = total.memoryMib;
    this.#totalDiskMib[row] = total.diskMib;
    this.#totalVms[row] = total.vms;
    this.#offer(row, sharedVcpus);
    this.freeMemoryMib[row] = total.memoryMib - claimed.memoryMib;
    this.freeDiskMib[row] = total.diskMib - claimed.diskMib;
    this.freeVms[row] = total.vms - claimed.vms;
    this.extras.resize(row, host.capacity.extras);
    this.index.resized(row);
    this.#tell(row);
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
    this.totalVcpus = grow(this.totalVcpus);
    this.totalMemoryMib = grow(this.totalMemoryMib);
    this.#offeredVcpus = grow(this.#offeredVcpus);
    this.#totalDiskMib = grow(this.#totalDiskMib);
    this.#totalVms = grow(this.#totalVms);
    this.#content.grow(this.freeVcpus.length);
  }
}
