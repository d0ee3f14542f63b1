/** How much garbage decisions make: what the heap in use has grown by after many of them. */
import type { Resources } from '../../scheduler/core/model.js';
import { collectGarbage } from './placement-collect.js';
import { type Demand, usualDemands } from './placement-demands.js';
import type { Fleet } from './placement-fleet.js';

const decisions = 200_000;
/** So few at a time that most of the time no collection comes between two looks at the heap. */
const atATime = 2000;

/** Bytes a decision, the departure that follows it included. */
export interface Allocation {
  /** Finding in the index, and telling it of what has changed. */
  index: number;
  /** All of it. */
  whole: number;
}

export function allocation(fleet: Fleet): Allocation {
  const demands = usualDemands(fleet, decisions);
  const whole = bytesEach(demands, (some) => decideWhole(fleet, some));
  const { host, size, place } = fleet.vms;
  const before = { host: host.slice(), size: size.slice(), place: place.slice() };
  const index = bytesEach(demands, (some) => decideInIndex(fleet, some));
  // The host table knows nothing of what was written past it.
  for (const each of fleet.state.hosts.values()) fleet.state.hostTable.refresh(each);
  host.set(before.host);
  size.set(before.size);
  place.set(before.place);
  return { index, whole };
}

function bytesEach(demands: readonly Demand[], decideSome: (some: readonly Demand[]) => void): number {
  const parts = Array.from({ length: decisions / atATime }, (_, part) =>
    demands.slice(part * atATime, (part + 1) * atATime),
  );
  collectGarbage();
  // What counts is what compiled code leaves behind, and a collection may throw compiled code away.
  for (const part of parts) decideSome(part);
  let bytes = 0;
  let counted = 0;
  for (const part of parts) {
    const before = process.memoryUsage().heapUsed;
    decideSome(part);
    const grown = process.memoryUsage().heapUsed - before;
    // A heap that has shrunk was collected in between, and says nothing.
    if (grown < 0) continue;
    bytes += grown;
    counted += part.length;
  }
  return bytes / counted;
}

function decideWhole(fleet: Fleet, demands: readonly Demand[]): void {
  for (const { request, size, place, departs } of demands) {
    const row = fleet.decide(request);
    if (row >= 0) fleet.replace(departs, row, size, place);
  }
}

/** Which profiles stand for which sites does not matter here, so masks of sites do for masks of profiles. */
const mask = new Int32Array(2);

function decideInIndex({ state, vms, sizes }: Fleet, demands: readonly Demand[]): void {
  const { hostTable } = state;
  const { index: rows } = hostTable;
  const take = (row: number, needs: Resources, sign: 1 | -1) => {
    const { freeVcpus, freeMemoryMib, freeDiskMib, freeVms } = hostTable;
    freeVcpus[row] = (freeVcpus[row] as number) - sign * needs.vcpus;
    freeMemoryMib[row] = (freeMemoryMib[row] as number) - sign * needs.memoryMib;
    freeDiskMib[row] = (freeDiskMib[row] as number) - sign * needs.diskMib;
    freeVms[row] = (freeVms[row] as number) - sign;
    rows.update(row);
  };
  // Going through a list by its iterator would make garbage of its own.
  for (let index = 0; index < demands.length; index += 1) {
    const { request, size, place, sites, departs } = demands[index] as Demand;
    mask[0] = sites;
    const row = rows.find(request.needs, mask, null);
    if (row < 0) continue;
    take(row, request.needs, 1);
    take(vms.host[departs] as number, sizes.all[vms.size[departs] as number] as Resources, -1);
    vms.host[departs] = row;
    vms.size[departs] = size;
    vms.place[departs] = place;
  }
}
