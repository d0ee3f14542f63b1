/** LIMITS: what a host and a shared pool hold, added up anew from the VMs. */
import type { Resources, Vm } from '../../../scheduler/core/model.js';
import { heldOnHost, heldOnPeer, heldSpec, type State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

/** A VM that may hold more on this host than it held `before`. */
export function judgeRoom(
  state: State,
  vm: Vm,
  id: string,
  before: Readonly<Resources>,
  violate: Violate,
): void {
  const host = state.hosts.get(id);
  if (host === undefined) return;
  const site = state.siteOf(host);
  const used = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };
  const holders = [...state.vmsOfHost(host.id)].map(heldOnHost);
  for (const held of [...holders, ...[...state.moving.withPeer(host.id)].map(heldOnPeer)]) {
    used.vcpus += held.vcpus;
    used.memoryMib += held.memoryMib;
    used.diskMib += held.diskMib;
    used.vms += held.vms;
  }
  const percent = host.vcpuOvercommitPercent ?? site.vcpuOvercommitPercent;
  const most = { ...host.capacity, vcpus: Math.floor((host.capacity.vcpus * percent) / 100) };
  // What runs on a host has its room, however much that is: then no more of it is given away.
  const now = heldOnHost(vm);
  for (const name of ['vcpus', 'memoryMib', 'diskMib', 'vms'] as const) {
    if (used[name] > most[name] && now[name] > before[name])
      violate('LIMITS', `host ${host.id} holds ${used[name]} ${name} of ${most[name]}`);
  }
}

/** A VM that may hold more of its pool than it held `before`; what was found there has its room, however much that is. */
export function judgePool(state: State, vm: Vm, before: number, violate: Violate): void {
  const pool = state.pools.get(vm.spec.pool);
  if (pool === undefined || heldSpec(vm).diskMib <= before) return;
  let usedMib = 0;
  for (const other of state.vms.values())
    if (other.spec.pool === pool.id && other.host !== null) usedMib += heldSpec(other).diskMib;
  if (usedMib > pool.capacityMib)
    violate('LIMITS', `pool ${pool.id} holds ${usedMib} MiB of ${pool.capacityMib}`);
}
