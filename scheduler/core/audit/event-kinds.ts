/**
 * Which changes are events: what happens to hosts and VMs, and what is decided about those who use them. Who may call, what
 * is in the catalogues, and what hosts say of themselves again and again is in the record alone.
 */
import type { ChangeType } from '../changes.js';
import type { FilterSchema } from '../filter.js';
import type { EventsOf, ListedEvent, RecordedChange } from './questions.js';
import type { By } from './line.js';

const isEventOf: Record<ChangeType, boolean> = {
  'federation.opened': true,
  'clock.jumped': true,
  'recovery.entered': true,
  'recovery.ended': true,
  'site.created': true,
  'site.updated': true,
  'site.cordoned': true,
  'site.deleted': true,
  'administration.created': true,
  'administration.updated': true,
  'administration.moved': true,
  'administration.suspended': true,
  'administration.deleted': true,
  'partner.set': false,
  'partner.deleted': false,
  'quota.set': true,
  'quota.deleted': true,
  'loan.set': true,
  'class.set': false,
  'class.deleted': false,
  'residency.set': true,
  'residency.deleted': true,
  'agreement.set': true,
  'agreement.deleted': true,
  'breach.began': true,
  'breach.ended': true,
  'image.created': false,
  'image.deleted': false,
  'pool.created': false,
  'pool.updated': false,
  'pool.deleted': false,
  'identity.set': false,
  'identity.deleted': false,
  'token.set': false,
  'token.used': false,
  'token.deleted': false,
  'attempts.refused': false,
  'host.joined': true,
  'host.certified': false,
  'host.revoked': true,
  'host.connected': true,
  'host.boots_forgotten': false,
  'host.inventory': false,
  'host.state': true,
  'host.reported': true,
  'host.fence': true,
  'host.stop_proven': true,
  'host.leftover': true,
  'host.cleared': true,
  'host.cordoned': true,
  'host.drain': true,
  'host.updated': true,
  'vm.created': true,
  'vm.updated': true,
  'vm.resized': true,
  'vm.desired': true,
  'vm.reboot_ordered': true,
  'vm.placed': true,
  'vm.waits': true,
  'vm.move': true,
  'vm.unplaced': true,
  'vm.observed': true,
  'vm.adopted': true,
  'vm.parked': true,
  'vm.displaced': true,
  'vm.returned': true,
  'vm.removed': true,
  'operation.started': true,
  'operation.target_ended': true,
  'operation.cancelled': true,
};

/** Journals may have changes of newer versions. */
export function isEvent({ type }: RecordedChange): boolean {
  return isEventOf[type] === true;
}

/** `VM_REBOOT_ORDERED` for `vm.reboot_ordered`. */
export function eventCode({ type }: RecordedChange): string {
  return type.replace('.', '_').toUpperCase();
}

export const eventFilter: FilterSchema<Pick<ListedEvent, 'change' | 'by' | 'sequence' | 'atMs'>> = {
  fields: {
    code: ({ change }) => eventCode(change),
    identity: ({ by }) => by.i ?? 'scheduler',
    sequence: ({ sequence }) => sequence,
  },
  moments: { time: ({ atMs }) => atMs },
};

/** The hosts that a change is about: its own, that of its VM before and after it, or the one whose agent has told of it. */
export function hostsOf(change: RecordedChange, by: By): string[] {
  if (change.type === 'host.joined') return [change.host.id];
  if (change.type.startsWith('host.') && 'id' in change) return [change.id];
  const told = agentOf(by);
  const hosts = new Set<string>();
  if (change.type === 'vm.created' && change.vm.host !== null) hosts.add(change.vm.host);
  if ('uid' in change) {
    if ('host' in change && typeof change.host === 'string') hosts.add(change.host);
    const before = change.before?.['host'];
    if (typeof before === 'string') hosts.add(before);
    if (hosts.size === 0 && told !== null) hosts.add(told);
  }
  return [...hosts];
}

/** The host whose agent has told of it; null when somebody else has. */
export function agentOf({ i = '' }: By): string | null {
  return /^spiffe:\/\/[^/]+\/host\/([^/]+)$/.exec(i)?.[1] ?? null;
}

/**
 * Whether a change is about what was asked for. `hosts` are those of the question, as a set; `ofAdministrations` says
 * whether the change is about these.
 */
export function isAbout(
  of: EventsOf,
  hosts: ReadonlySet<string>,
  change: RecordedChange,
  by: By,
  ofAdministrations: (ids: readonly string[]) => boolean,
): boolean {
  switch (of.kind) {
    case 'everything':
      return true;
    case 'vm':
      if (change.type === 'vm.created') return change.vm.uid === of.uid;
      if (change.type === 'operation.started') return change.operation.targets.includes(of.uid);
      return 'uid' in change && change.uid === of.uid;
    case 'hosts':
      if (of.site !== null && isAboutSite(of.site, change)) return true;
      return hostsOf(change, by).some((host) => hosts.has(host));
    case 'administrations':
      return ofAdministrations(of.administrations);
  }
}

function isAboutSite(site: string, change: RecordedChange): boolean {
  switch (change.type) {
    case 'site.created':
      return change.site.id === site;
    case 'site.updated':
    case 'site.cordoned':
    case 'site.deleted':
      return change.id === site;
    case 'host.joined':
      return change.host.site === site;
    case 'recovery.entered':
      return change.sites.includes(site);
    case 'recovery.ended':
      return change.site === site;
    case 'breach.began':
      return change.breach.site === site;
    default:
      return false;
  }
}
