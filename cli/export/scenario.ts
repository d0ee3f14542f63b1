/**
 * A federation as it is, as the text that `secovia-scheduler simulate` takes: what was read from the scheduler, with a
 * line for each host and each VM. What has the simulation's plain default is left out, so a reader sees what matters.
 */
import type { Administration__Output } from '../../proto/gen/secovia/v1/Administration.js';
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { HostNumaCell__Output } from '../../proto/gen/secovia/v1/HostNumaCell.js';
import type { Image__Output } from '../../proto/gen/secovia/v1/Image.js';
import type { Site__Output } from '../../proto/gen/secovia/v1/Site.js';
import type { StoragePool__Output } from '../../proto/gen/secovia/v1/StoragePool.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { stateWord } from '../views/enums.js';
import { type Entry, unlike } from './entries.js';
import { pageSize, shapeEntry } from './shape.js';
import {
  administrationEntry,
  agreementEntries,
  classEntries,
  loanEntries,
  partnerEntry,
  quotaEntry,
  ruleEntries,
  type TenancyContents,
} from './tenancy.js';

export interface FederationContents extends TenancyContents {
  title: string;
  recoveringSites: readonly string[];
  sites: readonly Site__Output[];
  administrations: readonly Administration__Output[];
  images: readonly Image__Output[];
  pools: readonly StoragePool__Output[];
  hosts: readonly Host__Output[];
  vms: readonly Vm__Output[];
}

/** The text, a part at a time: a large federation has a million lines. */
export async function* scenarioText(from: FederationContents): AsyncIterable<string> {
  const { stringify } = await import('yaml');
  const inline = (entry: Entry) => stringify(entry, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  const named = function* (key: string, entries: [name: string, entry: Entry][]): Iterable<string> {
    if (entries.length === 0) return;
    yield `${key}:\n`;
    for (const [name, entry] of entries) yield `  ${name}: ${inline(entry)}\n`;
  };
  const listed = function* (key: string, entries: readonly Entry[]): Iterable<string> {
    if (entries.length === 0) return;
    yield `${key}:\n`;
    for (const entry of entries) yield `  - ${inline(entry)}\n`;
  };
  const hosts = from.hosts.filter(({ state }) => state !== 'HOST_STATE_RETIRED');
  yield `about: ${stringify(`${from.title || 'A federation'} as it was`).trim()}\n`;
  yield* named(
    'sites',
    from.sites.map((site) => [shortName(site.name), siteEntry(site, from.recoveringSites)]),
  );
  yield* named('partners', from.partners.map(partnerEntry));
  yield* named('administrations', from.administrations.map(administrationEntry));
  yield* named('classes', classEntries(from.classes));
  yield* named('images', imageEntries(from));
  yield* named('pools', from.pools.map(poolEntry));
  yield* listed('hosts', hosts.map(hostEntry));
  yield* listed('quotas', from.quotas.map(quotaEntry));
  yield* named('loans', loanEntries(from.loans));
  yield* named('residency', ruleEntries(from.rules));
  yield* named('agreements', agreementEntries(from.agreements, from.vms));
  yield* listed('vms', from.vms.map(vmEntry));
}

function siteEntry(site: Site__Output, recovering: readonly string[]): Entry {
  const { country, jurisdictions, keepFailoverRoom, cordoned, priceTier } = site;
  return unlike(
    { vcpuOvercommit: 100, keepFailoverRoom: false, cordoned: false, recovering: false, priceTier: 0 },
    {
      partner: site.partner === '' ? undefined : site.partner,
      country,
      jurisdictions,
      vcpuOvercommit: site.vcpuOvercommitPercent || 100,
      keepFailoverRoom,
      cordoned,
      recovering: recovering.includes(site.name),
      priceTier,
    },
  );
}

/** Those of the catalogue, and those that are only kept for the VMs that were made from them. */
function imageEntries({ images, vms }: FederationContents): [string, Entry][] {
  const entries = new Map(
    images.map(({ name, architecture, virtualSizeMib }) => [
      shortName(name),
      unlike({ architecture: 'x86_64', size: 1 }, { architecture, size: virtualSizeMib }),
    ]),
  );
  for (const { spec } of vms) {
    const image = shortName(spec?.image ?? '');
    if (!entries.has(image)) entries.set(image, {});
  }
  return [...entries];
}

function poolEntry({ name, site, hosts, capacityMib }: StoragePool__Output): [string, Entry] {
  return [shortName(name), { site: shortName(site), hosts: hosts.map(shortName), capacity: capacityMib }];
}

function hostEntry(host: Host__Output): Entry {
  const { inventory, capacity, traits, dedicatedTo, vcpuOvercommitPercent, cordoned } = host;
  // What the machine has: the capacity that is shown has been multiplied.
  const vcpus = Math.max(0, (inventory?.total?.vcpus ?? 0) - (inventory?.reserved?.vcpus ?? 0));
  return unlike(
    {
      rack: '',
      architecture: 'x86_64',
      cpuFeatures: [],
      traits: [],
      extras: {},
      cells: [],
      cordoned: false,
      state: 'ready',
    },
    {
      id: shortName(host.name),
      site: shortName(host.site),
      rack: host.rack,
      vcpus,
      memory: capacity?.memoryMib ?? 0,
      disk: capacity?.diskMib ?? 0,
      vms: capacity?.vms ?? 0,
      architecture: inventory?.architecture || undefined,
      cpuFeatures: inventory?.cpuFeatures ?? [],
      traits,
      extras: capacity?.extras ?? {},
      cells: host.numaCells.map(cellEntry),
      dedicatedTo: dedicatedTo === '' ? undefined : shortName(dedicatedTo),
      vcpuOvercommit: vcpuOvercommitPercent === 0 ? undefined : vcpuOvercommitPercent,
      cordoned,
      state: stateWord(host.state).toLowerCase(),
    },
  );
}

function cellEntry({ cpus, memoryMib, hugepages }: HostNumaCell__Output): Entry {
  const pools = hugepages
    .filter(({ count }) => count > 0)
    .map(({ sizeKib, count }) => [pageSize(sizeKib), count]);
  return unlike({ hugepages: {} }, { cpus, memory: memoryMib, hugepages: Object.fromEntries(pools) });
}

function vmEntry(vm: Vm__Output): Entry {
  const [, administration, , id] = vm.name.split('/');
  return {
    name: id,
    administration,
    ...(vm.host === '' ? {} : { host: shortName(vm.host) }),
    ...(vm.numaCells.length === 0 ? {} : { cells: vm.numaCells }),
    ...(vm.agreement === '' ? {} : { agreement: shortName(vm.agreement) }),
    ...(vm.displacedFor === '' ? {} : { displaced: true }),
    ...(vm.parked ? { parked: true } : {}),
    ...(vm.deletionProtection ? { deletionProtection: true } : {}),
    ...unlike({ createdMs: 0 }, { createdMs: timestampMs(vm.createTime) ?? 0 }),
    ...shapeEntry(vm),
  };
}
