/** Whether a VM may have the host that it is given: everything about the host but its room. */
import { leftoverOf } from '../../../scheduler/core/elsewhere/leftovers.js';
import type { Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

export function judgePlace(state: State, vm: Vm, id: string, violate: Violate): void {
  const host = state.hosts.get(id);
  if (host === undefined) return;
  const { recoveringSites } = state.federation;
  if (host.state === 'quarantined') violate('E4', `VM ${vm.id} was placed on ${host.id}, in quarantine`);
  else if (host.state !== 'ready')
    violate('LIMITS', `VM ${vm.id} was placed on ${host.id}, which is ${host.state}`);
  if (host.cordoned) violate('LIMITS', `VM ${vm.id} was placed on ${host.id}, which is cordoned`);
  // A move is a new attempt, whoever refused it before.
  if (vm.refusedBy.includes(id) && vm.move?.peer !== id)
    violate('LIMITS', `VM ${vm.id} was placed on ${id}, which has refused it`);
  if (recoveringSites.includes(host.site))
    violate('E2', `VM ${vm.id} was placed on ${host.site}, in recovery`);
  if (leftoverOf(host, vm.uid) !== undefined)
    violate('O2', `VM ${vm.id} was placed on ${id}, which has not let go of it yet`);
  const { pool } = vm.spec;
  if (pool !== '' && state.pools.get(pool)?.hosts.includes(id) !== true)
    violate('F4', `VM ${vm.id} was placed on ${id}, which does not mount its pool ${pool}`);
  judgeGroups(state, vm, id, violate);
}

/** Those that are to be apart are, and whoever is on its way is counted where it goes. */
function judgeGroups(state: State, vm: Vm, id: string, violate: Violate): void {
  for (const { group, policy, scope, soft } of vm.placement.groups ?? []) {
    const members = [...state.vmsOfHost(id), ...state.moving.withPeer(id)].filter(
      ({ administration, placement }) =>
        administration === vm.administration && placement.groups?.some((rule) => rule.group === group),
    );
    const counted = state.groups.get(vm.administration, group)?.places.host.get(id) ?? 0;
    if (counted !== members.length)
      violate(
        'LIMITS',
        `${counted} VMs of group ${group} are counted on ${id}, and there are ${members.length}`,
      );
    if (policy !== 'anti_affinity' || scope !== 'host' || soft) continue;
    for (const other of members)
      if (other.uid !== vm.uid)
        violate('LIMITS', `VM ${vm.id} was placed on ${id}, where ${other.id} of its group ${group} is`);
  }
}
