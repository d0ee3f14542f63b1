/**
 * Which VMs of lower classes would have to give up their room so that one of a higher class fits. Nothing is displaced
 * here: it is only found out and told. A displaced VM keeps its disk where it is, so what it gives up is vCPUs and
 * memory, and a host that lacks anything else, or that any rule excludes, is no candidate. VMs give way only to their own
 * administration and those above it: what an administration may take from another is a matter of agreements.
 */
import { orders } from '../lifecycle/vm.js';
import type { Host, Priority, Vm } from '../model.js';
import { isBelow } from '../priority.js';
import { hasGivenUp, type State } from '../state.js';
import { reasonsAgainst } from './explanation.js';
import { fewestToFree, type Lacks } from './fewest-to-free.js';
import type { PlacementRequest } from './request.js';

/** More VMs than this are displaced for none. */
export const mostDisplaced = 8;

export interface Displacement {
  host: Host;
  /** By name. */
  vms: Vm[];
}

/** A host with the VMs that may be displaced there. */
interface Candidate {
  host: Host;
  vms: Vm[];
  lacks: Lacks;
}

/** Why this VM may not be displaced for such a request; null when it may. */
export function keepsItsRoom(
  state: State,
  vm: Vm,
  administration: string,
  priority: Priority,
): string | null {
  if (!isBelow(vm, priority)) return 'it is not of a lower priority';
  if (!state.isWithin(vm.administration, administration)) {
    return 'it is not of the same administration, or of one below it';
  }
  if (vm.deletionProtection) return 'it is protected from deletion';
  if (holdsMore(vm)) return 'it has extras, hugepages or NUMA cells, which nobody gives up';
  if (hasGivenUp(vm)) return 'it has given up its room already';
  if (vm.host === null || vm.desired === 'deleted')
    return 'it has no room to give up, or is about to lose it';
  return orders[vm.state].stop === true ? null : 'it cannot be stopped';
}

/** What a displaced VM gives up is vCPUs and ordinary memory: one that holds more could not be sure to start again. */
export function holdsMore({ spec }: Vm): boolean {
  return spec.extras !== undefined || spec.hugepageKib !== undefined || spec.numa !== undefined;
}

/**
 * Of all hosts where it is possible, the one with the fewest VMs to displace, then the least memory, then the fewest
 * vCPUs, then the lowest id; and there the VMs with the lowest names. Null when there is none.
 */
export function findDisplacement(
  state: State,
  request: PlacementRequest,
  priority: Priority,
): Displacement | null {
  const lacksOf = roomAlone(state, request);
  const best: { found: Displacement | null; cost: number[] } = { found: null, cost: [] };
  for (const { host, vms, lacks } of candidates(state, request, priority, lacksOf)) {
    const some = fewestToFree(vms, lacks, best.found?.vms.length ?? mostDisplaced);
    if (some === null) continue;
    const cost = [some.length, sum(some, 'memoryMib'), sum(some, 'vcpus')];
    const difference = cost.map((part, at) => part - (best.cost[at] ?? 0)).find((part) => part !== 0) ?? 0;
    if (best.found !== null && (difference > 0 || (difference === 0 && host.id > best.found.host.id)))
      continue;
    best.found = { host, vms: some };
    best.cost = cost;
  }
  return best.found;
}

const sum = (vms: readonly Vm[], resource: 'memoryMib' | 'vcpus'): number =>
  vms.reduce((total, { spec }) => total + spec[resource], 0);

/** Hosts that lack nothing but room of the kind that VMs can give up, each with what it lacks. */
export function roomAlone(state: State, request: PlacementRequest): (host: Host) => Lacks | null {
  // A layout needs room in single cells too, and a VM that floats takes none there.
  if (request.layout !== undefined) return () => null;
  const reasonsOf = reasonsAgainst(state, request);
  const { hostTable } = state;
  return (host) => {
    const row = hostTable.row(host.id);
    if (row === undefined || host.state === 'retired') return null;
    const reasons = reasonsOf(row);
    if (reasons.some((code) => code !== 'LACKS_MEMORY' && code !== 'LACKS_VCPUS')) return null;
    return {
      memoryMib: request.needs.memoryMib - (hostTable.freeMemoryMib[row] as number),
      vcpus: request.needs.vcpus - (hostTable.freeVcpus[row] as number),
    };
  };
}

/** Found from the VMs, not from the hosts: an administration has fewer of those than a federation has of these. */
function* candidates(
  state: State,
  { administration }: PlacementRequest,
  priority: Priority,
  lacksOf: (host: Host) => Lacks | null,
): Iterable<Candidate> {
  const byHost = new Map<string, Vm[]>();
  for (const vm of state.vmsWithin(administration)) {
    if (vm.host === null || keepsItsRoom(state, vm, administration, priority) !== null) continue;
    const vms = byHost.get(vm.host);
    if (vms === undefined) byHost.set(vm.host, [vm]);
    else vms.push(vm);
  }
  for (const [id, vms] of byHost) {
    const host = state.hosts.get(id);
    const lacks = host === undefined ? null : lacksOf(host);
    if (host !== undefined && lacks !== null) yield { host, vms, lacks };
  }
}
