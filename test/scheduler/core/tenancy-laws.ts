/** What holds of tenancy after every move of any history. */
import type { Change } from '../../../scheduler/core/changes.js';
import type { Site, Vm } from '../../../scheduler/core/model.js';
import { requestForMove } from '../../../scheduler/core/placement/request.js';
import type { State } from '../../../scheduler/core/state.js';
import { isExceeded, type Holdings } from '../../../scheduler/core/tenancy/holdings.js';
import { scopeKey } from '../../../scheduler/core/tenancy/scope.js';
import { defaultClass } from '../../../scheduler/core/tenancy/residency.js';
import { verifyTenancy } from '../../../scheduler/core/tenancy/verify.js';
import { PlainTenancy } from './placement/plain-tenancy.js';

/** What is held under each limit, by the names of the contract. */
export function usedUnderLimits({ tenancy }: State): Map<string, Holdings> {
  const used = new Map<string, Holdings>();
  for (const [key, { administration, scope }] of tenancy.quotas) {
    const meter = tenancy.tree.node(administration).meters.get(scopeKey(scope));
    if (meter !== undefined) used.set(`quota ${key}`, structuredClone({ ...meter.used }));
  }
  for (const id of tenancy.agreements.keys())
    used.set(`agreement ${id}`, structuredClone({ ...tenancy.agreementUse(id) }));
  return used;
}

/**
 * Sums are what the VMs add up to, and nothing that has grown is above its limit: what is above was so before, and has
 * not become more. What a host has found running by itself is no decision, and is counted all the same.
 */
export function checkLimits(
  state: State,
  before: ReadonlyMap<string, Holdings>,
  changes: readonly Change[],
): void {
  const { differences } = verifyTenancy(state);
  if (differences.length > 0) throw new Error(`sums drift: ${JSON.stringify(differences)}`);
  if (changes.some(({ type }) => type === 'vm.adopted')) return;
  if (
    changes.some(({ type }) => type === 'vm.returned') &&
    changes.some(({ type }) => type === 'vm.observed')
  )
    return;
  const { tenancy } = state;
  for (const [key, quota] of tenancy.quotas) {
    const meter = tenancy.tree.node(quota.administration).meters.get(scopeKey(quota.scope));
    if (meter === undefined) throw new Error(`quota ${key} is not metered`);
    check(`quota ${key}`, meter.limit, before, meter.used);
  }
  for (const [id, { limit }] of tenancy.agreements)
    check(`agreement ${id}`, limit, before, tenancy.agreementUse(id));
}

function check(
  name: string,
  limit: Parameters<typeof isExceeded>[0],
  before: ReadonlyMap<string, Holdings>,
  used: Holdings,
): void {
  const was = before.get(name);
  if (was === undefined || !isExceeded(limit, used)) return;
  const grown = (['vcpus', 'memoryMib', 'diskMib', 'vms'] as const).filter(
    (resource) => used[resource] > was[resource] && used[resource] > (limit[resource] ?? Infinity),
  );
  const extras = Object.keys(used.extras).filter((extra) => {
    const count = used.extras[extra] ?? 0;
    return count > (was.extras[extra] ?? 0) && count > (limit.extras?.[extra] ?? Infinity);
  });
  if (grown.length + extras.length > 0)
    throw new Error(
      `${name} was exceeded in ${[...grown, ...extras]}: ${JSON.stringify({ limit, used, was })}`,
    );
}

/** Whatever was placed by these changes is where the rules in force and the agreements let it be. */
export function checkPlaces(
  state: State,
  changes: readonly Change[],
  owners: ReadonlyMap<string, string | null>,
): void {
  for (const change of changes) {
    if (change.type !== 'vm.created' && change.type !== 'vm.placed') continue;
    const uid = change.type === 'vm.created' ? change.vm.uid : change.uid;
    const vm = state.vms.get(uid);
    // One that is made anew where it was has not been placed.
    if (vm === undefined || vm.host === null || owners.get(uid) === vm.host) continue;
    checkPlace(state, vm);
  }
}

/** Whether a VM may be where it has just been placed. */
export function checkPlace(state: State, vm: Vm): void {
  const site = state.sites.get(state.hosts.get(vm.host as string)?.site ?? '') as Site;
  const tenancy = plainTenancyOf(state, vm);
  if (!tenancy.lawful(site)) throw new Error(`VM ${vm.id} is on ${site.id} against the rules`);
  const agreements = tenancy.agreements(site);
  if (agreements === null && vm.agreement === undefined) return;
  if (agreements?.some(({ id }) => id === vm.agreement)) return;
  throw new Error(`VM ${vm.id} is on ${site.id} under ${vm.agreement ?? 'no agreement'}`);
}

/** What rules and agreements say to a VM, by its record: placement is judged, and not asked. */
export function plainTenancyOf(state: State, vm: Vm): PlainTenancy {
  const { administration, dataClass = defaultClass } = vm;
  return new PlainTenancy(state, [], { ...requestForMove(state, vm, '', []), administration, dataClass });
}
