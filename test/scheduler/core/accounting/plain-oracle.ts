/**
 * Accounting again, as plainly as it can be written: a picture of the whole federation after every decision, and for each
 * VM and each stretch between two decisions one entry. Nothing is carried along, nothing is cut, and money is added up entry
 * by entry as a fraction. It shares no code with what it is compared to.
 */
import type { Change } from '../../../../scheduler/core/changes.js';
import type { Vm } from '../../../../scheduler/core/model.js';
import type { Agreement } from '../../../../scheduler/core/tenancy/model.js';
import type { Decision } from './journal-history.js';

/** A VM on a host between two decisions, as words and numbers. */
export interface Entry {
  uid: string;
  fromMs: number;
  toMs: number;
  administration: string;
  host: string;
  site: string;
  country: string;
  partner: string;
  agreement: string;
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  stopped: boolean;
  creditor: string;
  debtor: string;
  currency: string;
  /** Of the whole entry: millionths of the main unit, times 1024 * 100 * 3,600,000. */
  parts: bigint;
}

interface Picture {
  vms: Map<string, Vm & { stoppedBefore: boolean }>;
  siteOfHost: Map<string, string>;
  sites: Map<string, { partner: string; country: string }>;
  partners: Map<string, { country: string; administrations: string[] }>;
  administrations: Map<string, { parent: string | null; country: string }>;
  agreements: Map<string, Agreement>;
}

export function entriesOf(decisions: readonly Decision[], endMs: number): Entry[] {
  const picture: Picture = {
    vms: new Map(),
    siteOfHost: new Map(),
    sites: new Map(),
    partners: new Map(),
    administrations: new Map(),
    agreements: new Map(),
  };
  const entries: Entry[] = [];
  for (const [index, [atMs, changes]] of decisions.entries()) {
    for (const change of changes) paint(picture, structuredClone(change));
    const toMs = Math.min(decisions[index + 1]?.[0] ?? endMs, endMs);
    if (toMs <= atMs) continue;
    for (const vm of picture.vms.values())
      if (vm.host !== null) entries.push(entryOf(picture, vm, atMs, toMs));
  }
  return entries;
}

function paint(picture: Picture, change: Change): void {
  switch (change.type) {
    case 'site.created':
      picture.sites.set(change.site.id, change.site);
      if (!picture.partners.has(change.site.partner)) {
        picture.partners.set(change.site.partner, { country: change.site.country, administrations: [] });
      }
      return;
    case 'host.joined':
      picture.siteOfHost.set(change.host.id, change.host.site);
      return;
    case 'partner.set':
      picture.partners.set(change.partner.id, change.partner);
      return;
    case 'administration.created':
      picture.administrations.set(change.administration.id, change.administration);
      return;
    case 'administration.moved':
      (picture.administrations.get(change.id) as { parent: string | null }).parent = change.parent;
      return;
    case 'agreement.set':
      picture.agreements.set(change.agreement.id, change.agreement);
      return;
    case 'vm.created':
      picture.vms.set(change.vm.uid, { ...change.vm, stoppedBefore: change.vm.desired === 'stopped' });
      return;
    case 'vm.removed':
      picture.vms.delete(change.uid);
      return;
  }
  if (!('uid' in change)) return;
  const vm = picture.vms.get(change.uid) as Vm & { stoppedBefore: boolean };
  switch (change.type) {
    case 'vm.placed':
    case 'vm.adopted':
      vm.host = change.host;
      vm.agreement = change.agreement;
      vm.displacedFor = undefined;
      vm.parked = undefined;
      return;
    case 'vm.move':
      if (change.agreement !== undefined) vm.agreement = change.agreement ?? undefined;
      return;
    case 'vm.unplaced':
      vm.host = null;
      vm.agreement = undefined;
      vm.displacedFor = undefined;
      vm.parked = undefined;
      return;
    case 'vm.resized':
      vm.spec = change.spec;
      return;
    case 'vm.desired':
      if (change.desired !== 'deleted') vm.stoppedBefore = change.desired === 'stopped';
      vm.desired = change.desired;
      return;
    case 'vm.displaced':
      vm.displacedFor = change.displacedFor;
      return;
    case 'vm.parked':
      vm.parked = true;
      return;
    case 'vm.returned':
      vm.displacedFor = undefined;
      vm.parked = undefined;
  }
}

function entryOf(
  picture: Picture,
  vm: Picture['vms'] extends Map<string, infer V> ? V : never,
  fromMs: number,
  toMs: number,
): Entry {
  const site = picture.siteOfHost.get(vm.host as string) as string;
  const { partner, country } = picture.sites.get(site) as { partner: string; country: string };
  const agreement = vm.agreement === undefined ? undefined : picture.agreements.get(vm.agreement);
  const gone = vm.displacedFor !== undefined || vm.parked === true;
  const vcpus = gone ? 0 : vm.spec.vcpus;
  const memoryMib = gone ? 0 : vm.spec.memoryMib;
  const { diskMib } = vm.spec;
  let parts = 0n;
  let debtor = '';
  if (agreement !== undefined) {
    const { beneficiary, price } = agreement;
    debtor =
      beneficiary.kind === 'partner'
        ? `partners/${beneficiary.partner}`
        : owner(picture, beneficiary.administration);
    const percent = vm.stoppedBefore ? price.stoppedPercent : 100;
    const hourly =
      BigInt(vcpus * 1024 * price.vcpuMicros * percent) +
      BigInt(memoryMib * price.memoryGibMicros * percent) +
      BigInt(diskMib * price.diskGibMicros * 100);
    parts = debtor === `partners/${agreement.partner}` ? 0n : hourly * BigInt(toMs - fromMs);
  }
  return {
    uid: vm.uid,
    fromMs,
    toMs,
    administration: vm.administration,
    host: vm.host as string,
    site,
    country,
    partner,
    agreement: agreement?.id ?? '',
    vcpus,
    memoryMib,
    diskMib,
    stopped: vm.stoppedBefore,
    creditor: agreement === undefined ? '' : `partners/${agreement.partner}`,
    debtor,
    currency: agreement?.price.currency ?? '',
    parts,
  };
}

/** Whose own an administration is: all partners are asked, level by level. */
function owner({ partners, administrations }: Picture, administration: string): string {
  const ids = [...partners.keys()].sort();
  const levels: string[] = [];
  for (let at: string | null = administration; at !== null; at = administrations.get(at)?.parent ?? null) {
    levels.push(at);
  }
  for (const level of levels) {
    const found = ids.find((id) => partners.get(id)?.administrations.includes(level));
    if (found !== undefined) return `partners/${found}`;
  }
  const { country } = administrations.get(administration) as { country: string };
  const found = ids.find((id) => {
    const partner = partners.get(id);
    return partner?.country === country && partner.administrations.length === 0;
  });
  return found === undefined ? `administrations/${administration}` : `partners/${found}`;
}
