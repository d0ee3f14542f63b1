/**
 * A long random history of hosts and VMs, in which every answer of the index is compared with that of an oracle that
 * looks at every host and knows nothing of ranks, rows, or heaps.
 */
import { IdOrder } from '../../../../scheduler/core/placement/rank-rows/id-order.js';
import { type ProfileMask, RankRows } from '../../../../scheduler/core/placement/rank-rows/rank-rows.js';
import type { Scorer } from '../../../../scheduler/core/placement/scorers/scorer.js';
import { Random } from './random.js';

interface PlainHost {
  id: string;
  capacity: [vcpus: number, memoryMib: number, diskMib: number, vms: number];
  profile: number | null;
}
interface PlainVm {
  host: number;
  /** In minutes. */
  created: number;
  size: { vcpus: number; memoryMib: number; diskMib: number; vms: number };
}

const maxHosts = 300;
/** Beyond 32, so that masks of several words are in play. */
const maxProfiles = 70;

export class History {
  readonly #random: Random;
  readonly #hosts: PlainHost[] = [];
  readonly #vms: PlainVm[] = [];
  readonly #free = {
    freeVcpus: new Int32Array(maxHosts),
    freeMemoryMib: new Int32Array(maxHosts),
    freeDiskMib: new Int32Array(maxHosts),
    freeVms: new Int32Array(maxHosts),
    contentStarts: new Int32Array(maxHosts),
  };
  readonly #order = new IdOrder();
  readonly #index: RankRows;
  readonly #better: (a: readonly number[], b: readonly number[]) => number;
  /** What kinds of request come: how many profiles, and whether sizes are few or arbitrary. It changes with time. */
  #profiles = 1;
  #arbitrary = false;
  decisions = 0;
  placed = 0;
  refused = 0;

  /** `better` compares what two hosts have free, and last when what they hold began, independently of the scorer: below 0 when the first is better. */
  constructor(seed: number, scorer: Scorer, better: (a: readonly number[], b: readonly number[]) => number) {
    this.#random = new Random(seed);
    // With odd seeds new cuts are taken over so slowly that much happens meanwhile.
    this.#index = new RankRows(this.#free, scorer, this.#order, seed % 2 === 0 ? 1024 : 1);
    this.#better = better;
    for (let host = 0; host < 20; host += 1) this.#addHost();
  }

  /** One random thing that happens. */
  step(): void {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.55) this.#place();
    else if (dice < 0.9) this.#depart();
    else if (dice < 0.93) this.#changeCapacity();
    else if (dice < 0.98) this.#offer(random.below(this.#hosts.length));
    else if (dice < 0.985 && this.#hosts.length < maxHosts) this.#addHost();
    else if (dice > 0.999) {
      this.#profiles = random.pick([1, 3, 20, maxProfiles]);
      this.#arbitrary = random.next() < 0.5;
    }
  }

  #addHost(): void {
    const host = this.#hosts.length;
    // Now at the end of the order, now in its middle, now all in front of what was last.
    const id = this.#random.pick([`h${host}`, `m${this.#random.below(1000)}-${host}`, `a${9999 - host}`]);
    this.#hosts.push({ id, capacity: this.#capacity(), profile: null });
    this.#order.add(id);
    this.#index.add();
    this.#write(host);
    this.#offer(host);
  }

  #capacity(): PlainHost['capacity'] {
    const random = this.#random;
    const memoryMib = random.pick([4096, 8192, 8192, 16_384, 100_000]);
    return [
      random.pick([2, 4, 8, 8, 16]),
      memoryMib,
      random.pick([0, 20_000, 100_000]),
      random.pick([1, 5, 50]),
    ];
  }

  #changeCapacity(): void {
    const host = this.#random.below(this.#hosts.length);
    (this.#hosts[host] as PlainHost).capacity = this.#capacity();
    this.#write(host);
  }

  #offer(host: number): void {
    const profile = this.#random.next() < 0.1 ? null : this.#random.below(this.#profiles);
    (this.#hosts[host] as PlainHost).profile = profile;
    this.#index.offer(host, profile);
  }

  #size(): PlainVm['size'] {
    const random = this.#random;
    if (!this.#arbitrary) {
      const vcpus = random.pick([1, 1, 2, 4]);
      return { vcpus, memoryMib: vcpus * 1024, diskMib: random.pick([0, 1000, 10_000]), vms: 1 };
    }
    return {
      vcpus: 1 + random.below(6),
      memoryMib: 1 + random.below(6000),
      diskMib: random.below(9000),
      vms: 1,
    };
  }

  #mask(): ProfileMask {
    const mask = new Int32Array(5);
    const share = this.#random.pick([0.2, 0.7, 1]);
    for (let profile = 0; profile < maxProfiles; profile += 1) {
      if (this.#random.next() < share)
        mask[profile >>> 5] = (mask[profile >>> 5] as number) | (1 << (profile & 31));
    }
    return mask;
  }

  #place(): void {
    const size = this.#size();
    const mask = this.#mask();
    const named = new Set<number>();
    if (this.#random.next() < 0.2) {
      for (let count = this.#random.below(12); count > 0; count -= 1) named.add(this.#random.below(maxHosts));
    }
    const excluding = named.size > 0 ? { excludes: (host: number) => named.has(host) } : null;
    const found = this.#index.find(size, mask, excluding);
    const expected = this.#oracle(size, mask, named);
    this.decisions += 1;
    if (found !== expected) {
      const name = (host: number) => this.#hosts[host]?.id ?? 'none';
      throw new Error(`decision ${this.decisions}: ${name(found)} instead of ${name(expected)}`);
    }
    if (found < 0) {
      this.refused += 1;
      // With nothing but refusals nothing would be tested: then many leave.
      for (let count = 0; count < 5; count += 1) this.#depart();
      return;
    }
    this.placed += 1;
    // Some at one time, so that ties are in play.
    this.#vms.push({ host: found, size, created: 28_000_000 + this.#random.below(30) });
    this.#write(found);
  }

  #depart(): void {
    if (this.#vms.length === 0) return;
    const at = this.#random.below(this.#vms.length);
    const { host } = this.#vms[at] as PlainVm;
    this.#vms[at] = this.#vms.at(-1) as PlainVm;
    this.#vms.pop();
    this.#write(host);
  }

  /** What a host has free, counted from the VMs themselves. */
  #freeOf(host: number): [number, number, number, number] {
    const [vcpus, memoryMib, diskMib, vms] = (this.#hosts[host] as PlainHost).capacity;
    const free: [number, number, number, number] = [vcpus, memoryMib, diskMib, vms];
    for (const vm of this.#vms) {
      if (vm.host !== host) continue;
      free[0] -= vm.size.vcpus;
      free[1] -= vm.size.memoryMib;
      free[2] -= vm.size.diskMib;
      free[3] -= 1;
    }
    return free;
  }

  /** The mean of when its VMs were created, by memory in pieces of 64 MiB; the end of time when it has none. */
  #startOf(host: number): number {
    let [pieces, sum] = [0n, 0n];
    for (const vm of this.#vms) {
      if (vm.host !== host) continue;
      const its = BigInt(Math.ceil(vm.size.memoryMib / 64));
      pieces += its;
      sum += its * BigInt(vm.created);
    }
    return pieces === 0n ? 67_108_863 : Number(sum / pieces);
  }

  #write(host: number): void {
    const [vcpus, memoryMib, diskMib, vms] = this.#freeOf(host);
    this.#free.freeVcpus[host] = vcpus;
    this.#free.freeMemoryMib[host] = memoryMib;
    this.#free.freeDiskMib[host] = diskMib;
    this.#free.freeVms[host] = vms;
    this.#free.contentStarts[host] = this.#startOf(host);
    this.#index.update(host);
  }

  #oracle(size: PlainVm['size'], mask: ProfileMask, named: Set<number>): number {
    const { freeVcpus, freeMemoryMib, freeDiskMib, freeVms, contentStarts } = this.#free;
    let best = -1;
    let bestFree: readonly number[] = [];
    for (const [host, { id, profile }] of this.#hosts.entries()) {
      if (profile === null || named.has(host)) continue;
      if (((mask[Math.floor(profile / 32)] as number) & (2 ** (profile % 32))) === 0) continue;
      const free = [freeVcpus[host], freeMemoryMib[host], freeDiskMib[host], freeVms[host]] as number[];
      const needs = [size.vcpus, size.memoryMib, size.diskMib, 1];
      if (needs.some((need, dimension) => need > (free[dimension] as number))) continue;
      free.push(contentStarts[host] as number);
      const order = best < 0 ? -1 : this.#better(free, bestFree);
      if (order < 0 || (order === 0 && id < (this.#hosts[best] as PlainHost).id)) {
        best = host;
        bestFree = free;
      }
    }
    return best;
  }
}
