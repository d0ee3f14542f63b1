/**
 * The index that keeps room for large VMs whole. Small VMs that fill hosts in any order leave pieces everywhere that
 * no large VM fits into. So the memory that a host has free is thought of as so many whole slots of a large VM's size
 * and a rest beyond them. A VM that is smaller than a slot goes where the rest takes it, if there is such a host: the
 * one with the least rest, then the fewest slots, then the fewest vCPUs, then the lowest id. Only when there is none is a
 * slot broken, on the host that the strategy likes best. VMs of a slot and more go where the strategy says.
 *
 * Two indexes answer that, one over what is free and one over the rest. Hosts that slots fill without a remainder
 * worth speaking of are not parted: all that they have free counts as rest.
 */
import type { FreeColumns } from '../../host-table.js';
import type { Resources } from '../../model.js';
import { IdOrder } from '../rank-rows/id-order.js';
import { type Excluding, type ProfileMask, RankRows } from '../rank-rows/rank-rows.js';
import type { Scorer } from '../scorers/scorer.js';
import { FleetShape } from './fleet-shape.js';
import { SizeTally } from './size-tally.js';

/** What hosts have free, and what they have altogether, by the numbers that `add` counts up. */
export interface SlotHosts extends FreeColumns {
  readonly count: number;
  totalVcpus: Int32Array;
  totalMemoryMib: Int32Array;
}

/** How many claims there are between two looks at what the slot should be. */
const watch = 2048;

/** A remainder beyond whole slots of less than one part in this many of a slot is none worth speaking of. */
const leastRemainder = 8;

/** Above the slots, and the vCPUs, of any host that matter for a tie. */
const slotRange = 1024;
const vcpuRange = 65_536;

export class SlotRows {
  readonly #hosts: SlotHosts;
  /** The hosts by their ids. */
  readonly order = new IdOrder();
  readonly #whole: RankRows;
  #beyond: RankRows | null = null;
  /** What hosts have beyond whole slots, by host. */
  #rest = new Int32Array(0);
  readonly #keepsSlots: boolean;
  readonly #tally = new SizeTally();
  readonly #fleet = new FleetShape();
  #claims = 0;
  /** The size of a slot in MiB; 0 while none is kept. */
  slotMib = 0;

  constructor(hosts: SlotHosts, scorer: Scorer) {
    this.#hosts = hosts;
    this.#keepsSlots = scorer.keepsSlots === true;
    this.#whole = new RankRows(hosts, scorer, this.order);
  }

  /** Takes in the next host, which is not yet on offer. */
  add(id: string): void {
    this.order.add(id);
    this.#whole.add();
    this.#beyond?.add();
  }

  offer(host: number, profile: number | null): void {
    this.#whole.offer(host, profile);
    this.#beyond?.offer(host, profile);
  }

  /** The profile under which a host is on offer; null when it is not. */
  profileOf(host: number): number | null {
    return this.#whole.profileOf(host);
  }

  /** To be called after what a host has altogether has changed, and before `update` for the same reason. */
  resized(host: number): void {
    if (!this.#keepsSlots) return;
    const { totalVcpus, totalMemoryMib } = this.#hosts;
    this.#fleet.set(host, totalVcpus[host] as number, totalMemoryMib[host] as number);
  }

  /** To be called after what a host has free has changed. */
  update(host: number): void {
    this.#whole.update(host);
    if (this.#beyond === null) return;
    this.#measure(host);
    this.#beyond.update(host);
  }

  /** A VM has come (`sign` 1) or gone: the slot follows the sizes that VMs have. */
  note(size: Readonly<Resources>, sign: 1 | -1): void {
    if (!this.#keepsSlots) return;
    this.#tally.note(size, sign);
    this.#claims += 1;
    if (this.#claims % watch === 0) this.reconsider();
  }

  find(size: Readonly<Resources>, mask: ProfileMask, excluding: Excluding | null): number {
    if (this.#beyond !== null && size.memoryMib < this.slotMib) {
      const host = this.#beyond.find(size, mask, excluding);
      if (host >= 0) return host;
    }
    return this.#whole.find(size, mask, excluding);
  }

  /** As `find`, of these hosts alone. */
  bestOf(
    hosts: readonly number[],
    size: Readonly<Resources>,
    mask: ProfileMask,
    excluding: Excluding | null,
  ): number {
    if (this.#beyond !== null && size.memoryMib < this.slotMib) {
      const host = this.#beyond.bestOf(hosts, size, mask, excluding);
      if (host >= 0) return host;
    }
    return this.#whole.bestOf(hosts, size, mask, excluding);
  }

  get bytes(): number {
    return this.order.bytes + this.#whole.bytes + (this.#beyond?.bytes ?? 0) + this.#rest.byteLength;
  }

  /** Takes up the slot that the VMs there are now suggest. It is looked at now and then, and after a start. */
  reconsider(): void {
    if (!this.#keepsSlots) return;
    const slot = this.#tally.slot(this.#fleet);
    const kept = this.#fleet.memories().some((memoryMib) => hasRemainder(memoryMib, slot)) ? slot : 0;
    if (kept !== this.slotMib) this.#keep(kept);
  }

  #keep(slotMib: number): void {
    this.slotMib = slotMib;
    this.#beyond = null;
    if (slotMib === 0) return;
    const { freeMemoryMib } = this.#hosts;
    this.#rest = new Int32Array(freeMemoryMib.length);
    const beyond = new RankRows(this.#restColumns(), this.#restScorer(), this.order);
    for (let host = 0; host < this.#hosts.count; host += 1) {
      this.#measure(host);
      beyond.add();
      beyond.offer(host, this.#whole.profileOf(host));
    }
    this.#beyond = beyond;
  }

  #measure(host: number): void {
    if (host >= this.#rest.length) {
      const longer = new Int32Array(this.#hosts.freeMemoryMib.length);
      longer.set(this.#rest);
      this.#rest = longer;
    }
    const free = this.#hosts.freeMemoryMib[host] as number;
    const total = this.#hosts.totalMemoryMib[host] as number;
    this.#rest[host] = hasRemainder(total, this.slotMib) && free >= 0 ? free % this.slotMib : free;
  }

  /** The columns of the hosts, with the rest for the memory; they may be replaced by longer ones at any time. */
  #restColumns(): FreeColumns {
    const hosts = this.#hosts;
    const rest = () => this.#rest;
    return {
      get freeVcpus() {
        return hosts.freeVcpus;
      },
      get freeMemoryMib() {
        return rest();
      },
      get freeDiskMib() {
        return hosts.freeDiskMib;
      },
      get freeVms() {
        return hosts.freeVms;
      },
      get contentStarts() {
        return hosts.contentStarts;
      },
    };
  }

  #restScorer(): Scorer {
    const { slotMib } = this;
    return {
      name: 'rest',
      score: (into, host, vcpus, restMib) => {
        const slots = Math.floor(((this.#hosts.freeMemoryMib[host] as number) - restMib) / slotMib);
        const ties = Math.min(slots, slotRange - 1) * vcpuRange + Math.min(vcpus, vcpuRange - 1);
        into[host] = restMib * slotRange * vcpuRange + ties;
      },
      bound: (least) => least.memoryMib * slotRange * vcpuRange,
    };
  }
}

function hasRemainder(memoryMib: number, slotMib: number): boolean {
  return slotMib > 0 && memoryMib > slotMib && (memoryMib % slotMib) * leastRemainder >= slotMib;
}
