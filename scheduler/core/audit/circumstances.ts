/**
 * What the journal says beside a change, for whoever reads it later: how the thing was before, and of a placement what was
 * known when it was decided. Nothing is decided by it, and a replay passes over it.
 */
import type { Change } from '../changes.js';
import { quotaKey } from '../tenancy/scope.js';
import type { State } from '../state.js';

/** Why a VM has its host. */
export interface PlacementReason {
  strategy: string;
  /** What the host had free before. */
  free: { vcpus: number; memoryMib: number; diskMib: number };
  priceTier?: number;
}

/** What was chosen by which strategy, a `PlacementReason` as JSON; null for a VM that has no host. */
export function placementReason(state: State, id: string | null): string | null {
  const { hostTable, hosts, sites, strategy } = state;
  const row = id === null ? undefined : hostTable.row(id);
  if (id === null || row === undefined) return null;
  const tier = sites.get(hosts.get(id)?.site ?? '')?.priceTier;
  const { freeVcpus, freeMemoryMib, freeDiskMib } = hostTable;
  // By hand: it is written for every VM that is made, and has nothing in it that would have to be escaped.
  const free = `"vcpus":${freeVcpus[row]},"memoryMib":${freeMemoryMib[row]},"diskMib":${freeDiskMib[row]}`;
  return `{"strategy":"${strategy}","free":{${free}}${tier === undefined ? '' : `,"priceTier":${tier}`}}`;
}

/**
 * How what the change is about was before it, as far as the change may have made it otherwise; null where that is not
 * worth its room: something new, or what agents report many times a day.
 */
export function beforeOf(state: State, change: Change): object | null {
  const { tenancy, access } = state;
  switch (change.type) {
    case 'recovery.entered':
    case 'recovery.ended':
      return { sites: state.federation.recoveringSites };
    case 'site.updated':
    case 'site.cordoned':
      return sameFields(state.sites.get(change.id), change);
    case 'site.deleted':
      return state.sites.get(change.id) ?? null;
    case 'administration.updated':
    case 'administration.moved':
    case 'administration.suspended':
      return sameFields(state.administrations.get(change.id), change);
    case 'administration.deleted':
      return state.administrations.get(change.id) ?? null;
    case 'partner.set':
      return tenancy.partners.get(change.partner.id) ?? null;
    case 'partner.deleted':
      return tenancy.partners.get(change.id) ?? null;
    case 'quota.set':
      return tenancy.quotas.get(quotaKey(change.quota.administration, change.quota.scope)) ?? null;
    case 'quota.deleted':
      return tenancy.quotas.get(quotaKey(change.administration, change.scope)) ?? null;
    case 'loan.set':
      return tenancy.loans.get(change.loan.id) ?? null;
    case 'class.deleted':
      return tenancy.classes.get(change.id) ?? null;
    case 'residency.set':
      return tenancy.rules.get(change.rule.id) ?? null;
    case 'residency.deleted':
      return tenancy.rules.get(change.id) ?? null;
    case 'agreement.set':
      return tenancy.agreements.get(change.agreement.id) ?? null;
    case 'agreement.deleted':
      return tenancy.agreements.get(change.id) ?? null;
    case 'breach.ended':
      return tenancy.breaches.get(change.id) ?? null;
    case 'image.deleted':
      return state.images.get(change.id) ?? null;
    case 'pool.updated':
      return sameFields(state.pools.get(change.id), change);
    case 'pool.deleted':
      return state.pools.get(change.id) ?? null;
    case 'identity.set':
      return access.identities.get(change.identity.id) ?? null;
    case 'identity.deleted':
      return access.identities.get(change.id) ?? null;
    case 'token.set':
      return access.tokens.get(change.token.id) ?? null;
    case 'token.deleted':
      return access.tokens.get(change.id) ?? null;
    case 'host.state':
    case 'host.cordoned':
    case 'host.drain':
    case 'host.updated':
    case 'host.certified':
      return sameFields(state.hosts.get(change.id), change);
    case 'vm.updated':
    case 'vm.resized':
    case 'vm.desired':
    case 'vm.placed':
    case 'vm.unplaced':
    case 'vm.adopted':
      return sameFields(state.vms.get(change.uid), change);
    case 'vm.removed': {
      const vm = state.vms.get(change.uid);
      return vm === undefined ? null : { administration: vm.administration, id: vm.id, host: vm.host };
    }
    default:
      return null;
  }
}

/** Of an entity the fields that a change names, where they are not what it says already. */
function sameFields(entity: object | undefined, change: Change): object | null {
  if (entity === undefined) return null;
  const before: Record<string, unknown> = {};
  for (const field of Object.keys(change)) {
    if (field === 'type' || field === 'id' || field === 'uid') continue;
    before[field] = (entity as Record<string, unknown>)[field] ?? null;
  }
  return before;
}
