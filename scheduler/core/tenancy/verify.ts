/** Adds everything up again from the VMs alone, and compares it with the sums that are kept up. */
import { heldWithExtras, type State } from '../state.js';
import { type Holdings, isExceeded, Sum } from './holdings.js';
import { covers, scopeKey } from './scope.js';

export interface Difference {
  /** A name of the contract: of a quota, an agreement, an administration or a partner. */
  name: string;
  kept: Holdings;
  addedUp: Holdings;
}

export interface Verified {
  vms: number;
  sums: number;
  differences: Difference[];
  /** Names of quotas under which more is held than they allow now. */
  exceeded: string[];
}

export function verifyTenancy(state: State): Verified {
  const { tenancy } = state;
  const byName = new Map<string, Sum>();
  const add = (name: string, sum: Sum | undefined = byName.get(name)) => {
    const known = sum ?? new Sum();
    byName.set(name, known);
    return known;
  };
  let vms = 0;
  for (const vm of state.vms.values()) {
    vms += 1;
    const host = vm.host === null ? undefined : state.hosts.get(vm.host);
    if (host === undefined) continue;
    const site = state.siteOf(host);
    const held = heldWithExtras(vm);
    add(`administrations/${vm.administration}`).add(held, 1);
    // By the parents that the records name, not by the tree that is kept beside them.
    let at: string | null = vm.administration;
    while (at !== null) {
      for (const quota of quotasOf(state, at))
        if (covers(quota.scope, site))
          add(`administrations/${at}/quotas/${scopeKey(quota.scope)}`).add(held, 1);
      at = state.administrations.get(at)?.parent ?? null;
    }
    if (vm.agreement === undefined) continue;
    add(`agreements/${vm.agreement}`).add(held, 1);
    add(`partners/${site.partner}`).add(held, 1);
  }
  const differences: Difference[] = [];
  const exceeded: string[] = [];
  let sums = 0;
  const compare = (name: string, kept: Holdings) => {
    sums += 1;
    const addedUp = byName.get(name) ?? new Sum();
    if (!isSame(kept, addedUp)) differences.push({ name, kept, addedUp });
  };
  for (const id of state.administrations.keys()) compare(`administrations/${id}`, tenancy.heldBy(id));
  for (const quota of tenancy.quotas.values()) {
    const name = `administrations/${quota.administration}/quotas/${scopeKey(quota.scope)}`;
    const meter = tenancy.tree.node(quota.administration).meters.get(scopeKey(quota.scope));
    compare(name, meter?.used ?? new Sum());
    if (meter !== undefined && isExceeded(meter.limit, meter.used)) exceeded.push(name);
  }
  for (const id of tenancy.agreements.keys()) compare(`agreements/${id}`, tenancy.agreementUse(id));
  for (const id of tenancy.partners.keys()) compare(`partners/${id}`, tenancy.partnerUse(id).heldByOthers);
  return { vms, sums, differences, exceeded: exceeded.sort() };
}

function quotasOf(state: State, administration: string) {
  return [...state.tenancy.tree.node(administration).meters.values()].map(({ quota }) => quota);
}

function isSame(one: Holdings, other: Holdings): boolean {
  if (one.vcpus !== other.vcpus || one.memoryMib !== other.memoryMib) return false;
  if (one.diskMib !== other.diskMib || one.vms !== other.vms) return false;
  const names = new Set([...Object.keys(one.extras), ...Object.keys(other.extras)]);
  return [...names].every((name) => (one.extras[name] ?? 0) === (other.extras[name] ?? 0));
}
