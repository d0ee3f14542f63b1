/** What a change is about, as names of the contract. VMs are known by their uids until the journal has said their names. */
import type { Change } from '../changes.js';
import { scopeKey } from '../tenancy/scope.js';
import type { RecordedChange } from './questions.js';

/** Names of VMs by uid, as far as they are known. */
export type VmNames = Map<string, string>;

export function resourcesOf(change: RecordedChange, vms: VmNames): string[] {
  switch (change.type) {
    case 'vm.created':
      return [vmName(change.vm)];
    case 'operation.started':
      return [`operations/${change.operation.id}`];
    case 'operation.target_ended':
    case 'operation.cancelled':
      return [`operations/${change.id}`];
    case 'quota.set':
      return [quotaName(change.quota.administration, change.quota.scope)];
    case 'quota.deleted':
      return [quotaName(change.administration, change.scope)];
    case 'federation.opened':
    case 'clock.jumped':
    case 'recovery.entered':
    case 'recovery.ended':
    case 'attempts.refused':
      return [];
    case 'breach.began':
    case 'breach.ended':
      return [];
    default:
      if ('uid' in change) return [vms.get(change.uid) ?? `vms/${change.uid}`];
      return [`${collections[kindOf(change)]}/${idOf(change)}`];
  }
}

/** Notes what a change says of VMs' names. */
export function learnNames(change: RecordedChange, vms: VmNames): void {
  if (change.type === 'vm.created') vms.set(change.vm.uid, vmName(change.vm));
  else if (change.type === 'vm.removed' && change.before !== undefined) {
    vms.set(change.uid, vmName(change.before as { administration: string; id: string }));
  }
}

function vmName({ administration, id }: { administration: string; id: string }): string {
  return `administrations/${administration}/vms/${id}`;
}

function quotaName(administration: string, scope: Parameters<typeof scopeKey>[0]): string {
  return `administrations/${administration}/quotas/${scopeKey(scope)}`;
}

const collections = {
  site: 'sites',
  administration: 'administrations',
  partner: 'partners',
  loan: 'loans',
  class: 'dataClasses',
  residency: 'residencyRules',
  agreement: 'agreements',
  image: 'images',
  pool: 'storagePools',
  identity: 'identities',
  token: 'joinTokens',
  host: 'hosts',
} as const;

type Kind = keyof typeof collections;
type NamedChange = Extract<Change, { type: `${Kind}.${string}` }>;

function kindOf({ type }: NamedChange): Kind {
  return type.slice(0, type.indexOf('.')) as Kind;
}

function idOf(change: NamedChange): string {
  if ('id' in change) return change.id;
  for (const value of Object.values(change)) {
    if (typeof value === 'object' && value !== null && 'id' in value) return String(value.id);
  }
  return '';
}
