/** Resource names of the contract, taken apart and put together. Ids are checked for form by `fields.ts`. */
import type { VmRef } from '../core/commands.js';

const collections = {
  site: 'sites',
  host: 'hosts',
  administration: 'administrations',
  image: 'images',
  'storage pool': 'storagePools',
  operation: 'operations',
  partner: 'partners',
  'data class': 'dataClasses',
  'residency rule': 'residencyRules',
  agreement: 'agreements',
  loan: 'loans',
  identity: 'identities',
  'join token': 'joinTokens',
} as const;

export type Collection = keyof typeof collections;

/** For example `sites/zagreb`. */
export function nameOf(collection: Collection, id: string): string {
  return `${collections[collection]}/${id}`;
}

/** The id in a name of this collection, or null when it is not one. */
export function idIn(collection: Collection, name: string): string | null {
  const prefix = `${collections[collection]}/`;
  if (!name.startsWith(prefix)) return null;
  const id = name.slice(prefix.length);
  return id === '' || id.includes('/') ? null : id;
}

/** What a name of this collection looks like, for messages. */
export function patternOf(collection: Collection): string {
  return `${collections[collection]}/ID`;
}

const vmPattern = /^administrations\/([^/]+)\/vms\/([^/]+)$/;
const vmUidPattern = /^vms\/([^/]+)$/;

export const vmNamePattern = 'administrations/ADMINISTRATION/vms/VM or vms/UID';

export function vmRefIn(name: string): VmRef | null {
  const uid = vmUidPattern.exec(name)?.[1];
  if (uid !== undefined) return { uid: uid.toLowerCase() };
  const match = vmPattern.exec(name);
  if (match === null) return null;
  return { administration: match[1] as string, id: match[2] as string };
}

export function vmName(administration: string, id: string): string {
  return `administrations/${administration}/vms/${id}`;
}

const quotaPattern = /^administrations\/([^/]+)\/quotas\/([^/]+)$/;

export const quotaNamePattern =
  'administrations/ADMINISTRATION/quotas/QUOTA, where QUOTA is everywhere, country-hr or site-zagreb';

/** The administration of a quota, and the last part of its name. */
export function quotaRefIn(name: string): { administration: string; key: string } | null {
  const match = quotaPattern.exec(name);
  return match === null ? null : { administration: match[1] as string, key: match[2] as string };
}

/** `key` is that of the scope, e.g. `country-hr`. */
export function quotaName(administration: string, key: string): string {
  return `administrations/${administration}/quotas/${key}`;
}
