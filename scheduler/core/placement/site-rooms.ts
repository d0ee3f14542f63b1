/**
 * What the usable hosts of each site have free together, and what the largest of them has: kept up with every claim,
 * for sites that keep failover room.
 */
import type { FreeColumns } from '../host-table.js';
import type { Amounts } from './scorers/scorer.js';

export interface SiteRoom {
  free: Amounts;
  /** The largest capacity in each dimension. */
  largest: Amounts;
  /** The highest overcommit of a host: a dedicated CPU takes at most so much of what is free. */
  vcpuPercent: number;
}

const nothing = (): Amounts => ({ vcpus: 0, memoryMib: 0, diskMib: 0 });

interface Counted {
  site: string;
  free: Amounts;
  capacity: Amounts;
  vcpuPercent: number;
}

export class SiteRooms {
  readonly #columns: FreeColumns;
  readonly #rooms = new Map<string, SiteRoom>();
  /** Each usable host by row, as it is counted. */
  readonly #counted = new Map<number, Counted>();
  /** Sites whose largest host may have changed. */
  readonly #unsure = new Set<string>();

  constructor(columns: FreeColumns) {
    this.#columns = columns;
  }

  /** A host is usable, with this capacity, or with null no more. */
  use(row: number, site: string, capacity: Amounts | null, vcpuPercent: number): void {
    const counted = this.#counted.get(row);
    if (counted !== undefined) {
      this.#counted.delete(row);
      this.#add(this.room(counted.site).free, counted.free, -1);
      this.#unsure.add(counted.site);
    }
    if (capacity === null) return;
    this.#counted.set(row, { site, free: nothing(), capacity, vcpuPercent });
    this.#unsure.add(site);
    this.claimed(row);
  }

  /** What a host has free has changed. */
  claimed(row: number): void {
    if (this.#counted.size === 0) return;
    const counted = this.#counted.get(row);
    if (counted === undefined) return;
    const { free } = this.room(counted.site);
    this.#add(free, counted.free, -1);
    counted.free.vcpus = this.#columns.freeVcpus[row] as number;
    counted.free.memoryMib = this.#columns.freeMemoryMib[row] as number;
    counted.free.diskMib = this.#columns.freeDiskMib[row] as number;
    this.#add(free, counted.free, 1);
  }

  /** The site that a host's room counts for; undefined for one that is not usable. */
  siteOf(row: number): string | undefined {
    return this.#counted.get(row)?.site;
  }

  room(site: string): SiteRoom {
    let room = this.#rooms.get(site);
    if (room === undefined) {
      room = { free: nothing(), largest: nothing(), vcpuPercent: 0 };
      this.#rooms.set(site, room);
    }
    if (this.#unsure.delete(site)) this.#findLargest(site, room);
    return room;
  }

  #findLargest(site: string, room: SiteRoom): void {
    const { largest } = room;
    Object.assign(largest, nothing());
    room.vcpuPercent = 0;
    for (const { site: of, capacity, vcpuPercent } of this.#counted.values()) {
      if (of !== site) continue;
      room.vcpuPercent = Math.max(room.vcpuPercent, vcpuPercent);
      largest.vcpus = Math.max(largest.vcpus, capacity.vcpus);
      largest.memoryMib = Math.max(largest.memoryMib, capacity.memoryMib);
      largest.diskMib = Math.max(largest.diskMib, capacity.diskMib);
    }
  }

  #add(sum: Amounts, amounts: Amounts, sign: 1 | -1): void {
    sum.vcpus += sign * amounts.vcpus;
    sum.memoryMib += sign * amounts.memoryMib;
    sum.diskMib += sign * amounts.diskMib;
  }
}
