/** Replays a trace on so many hosts of one shape, with the index that places real VMs. */
import type { FreeColumns } from '../core/host-table.js';
import { ContentStarts } from '../core/placement/content-starts.js';
import type { Scorer } from '../core/placement/scorers/scorer.js';
import { SlotRows } from '../core/placement/slots/slot-rows.js';
import type { Trace } from './trace.js';

export interface HostShape {
  vcpus: number;
  memoryMib: number;
}

export interface Replayed {
  hosts: number;
  placed: number;
  refused: number;
  /** Most hosts with a VM at one time. */
  peakHosts: number;
  /** Host-hours during which a host had a VM, until the last arrival or departure. */
  hostHours: number;
}

/** Who leaves when: the VMs that leave at all, in that order. */
export function departureOrder({ vms, departures }: Trace): Int32Array {
  const leaving = Array.from({ length: vms }, (_, vm) => vm).filter((vm) => Number.isFinite(departures[vm]));
  return Int32Array.from(
    leaving.sort((a, b) => (departures[a] as number) - (departures[b] as number) || a - b),
  );
}

const everyProfile = Int32Array.of(1);

/** `onProgress` hears of every few thousand VMs; `stopAtRefusal` ends it early when only that is of interest. */
export function replay(
  trace: Trace,
  leaving: Int32Array,
  shape: HostShape,
  hosts: number,
  scorer: Scorer,
  { onProgress, stopAtRefusal = false }: { onProgress?: (vms: number) => void; stopAtRefusal?: boolean } = {},
): Replayed {
  const fleet = new Fleet(shape, hosts, scorer);
  const hostOf = new Int32Array(trace.vms).fill(-1);
  let next = 0;
  const leaveUntil = (time: number) => {
    for (; next < leaving.length; next += 1) {
      const vm = leaving[next] as number;
      const at = trace.departures[vm] as number;
      if (at > time) return;
      const host = hostOf[vm] as number;
      if (host < 0) continue;
      const created = trace.arrivals[vm] as number;
      fleet.change(host, -(trace.vcpus[vm] as number), -(trace.memoryMib[vm] as number), created, at);
    }
  };
  let refused = 0;
  let vm = 0;
  for (; vm < trace.vms; vm += 1) {
    const now = trace.arrivals[vm] as number;
    leaveUntil(now);
    const host = fleet.place(trace.vcpus[vm] as number, trace.memoryMib[vm] as number, now);
    hostOf[vm] = host;
    if (host < 0) refused += 1;
    if (refused > 0 && stopAtRefusal) break;
    if (vm % 4096 === 0) onProgress?.(vm);
  }
  leaveUntil(Number.POSITIVE_INFINITY);
  const end = Math.max(fleet.lastChange, trace.arrivals.at(-1) as number);
  const placed = Math.min(vm + 1, trace.vms) - refused;
  return {
    hosts,
    placed,
    refused,
    peakHosts: fleet.peakHosts,
    hostHours: fleet.hostSecondsUntil(end) / 3600,
  };
}

class Fleet {
  readonly #free: FreeColumns;
  readonly #content: ContentStarts;
  readonly #vms: Int32Array;
  readonly #index: SlotRows;
  #inUse = 0;
  #hostSeconds = 0;
  peakHosts = 0;
  lastChange = 0;

  constructor(shape: HostShape, hosts: number, scorer: Scorer) {
    this.#content = new ContentStarts(hosts);
    this.#free = {
      freeVcpus: new Int32Array(hosts).fill(shape.vcpus),
      freeMemoryMib: new Int32Array(hosts).fill(shape.memoryMib),
      freeDiskMib: new Int32Array(hosts),
      freeVms: new Int32Array(hosts).fill(2 ** 30),
      contentStarts: this.#content.minutes,
    };
    const totals = {
      totalVcpus: this.#free.freeVcpus.slice(),
      totalMemoryMib: this.#free.freeMemoryMib.slice(),
    };
    this.#vms = new Int32Array(hosts);
    this.#index = new SlotRows({ ...this.#free, ...totals, count: hosts }, scorer);
    const digits = String(hosts).length;
    for (let host = 0; host < hosts; host += 1) {
      this.#index.add(String(host).padStart(digits, '0'));
      this.#index.resized(host);
      this.#index.offer(host, 0);
    }
  }

  place(vcpus: number, memoryMib: number, now: number): number {
    const host = this.#index.find({ vcpus, memoryMib, diskMib: 0, vms: 1 }, everyProfile, null);
    if (host >= 0) this.change(host, vcpus, memoryMib, now, now);
    return host;
  }

  /** A VM that was created then comes to a host (amounts above 0) or leaves it. */
  change(host: number, vcpus: number, memoryMib: number, created: number, now: number): void {
    const { freeVcpus, freeMemoryMib } = this.#free;
    freeVcpus[host] = (freeVcpus[host] as number) - vcpus;
    freeMemoryMib[host] = (freeMemoryMib[host] as number) - memoryMib;
    this.#content.claim(host, Math.abs(memoryMib), created * 1000, vcpus > 0 ? 1 : -1);
    this.#index.update(host);
    const size = { vcpus: Math.abs(vcpus), memoryMib: Math.abs(memoryMib), diskMib: 0, vms: 1 };
    this.#index.note(size, vcpus > 0 ? 1 : -1);
    const before = this.#vms[host] as number;
    const after = before + (vcpus > 0 ? 1 : -1);
    this.#vms[host] = after;
    if (before > 0 && after > 0) return;
    this.#hostSeconds = this.hostSecondsUntil(now);
    this.lastChange = now;
    this.#inUse += after > 0 ? 1 : -1;
    this.peakHosts = Math.max(this.peakHosts, this.#inUse);
  }

  hostSecondsUntil(now: number): number {
    return this.#hostSeconds + this.#inUse * (now - this.lastChange);
  }
}
