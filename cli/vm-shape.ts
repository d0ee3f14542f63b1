/**
 * The VM that is asked for, as far as placement looks at it: its size, its image, and where it may be. Making one,
 * explaining where it would go and counting how many fit take the same options, so that one line serves for all.
 */
import { Option } from 'commander';
import type { GroupRule } from '../proto/gen/secovia/v1/GroupRule.js';
import type { Vm } from '../proto/gen/secovia/v1/Vm.js';
import { flag, folded, option, repeated } from './command.js';
import type { Context } from './context.js';
import { usageFailure } from './failure.js';
import { addExtra, type Extras } from './values/extras.js';
import { addGroup } from './values/groups.js';
import { pageSizes, pageSizesKib, type PageSize, parseCells } from './values/layouts.js';
import { newVmName, resourceName } from './values/names.js';
import { parseSizeMib } from './values/sizes.js';
import { parseCount, parseCountry, parseWantedTrait } from './values/words.js';
import {
  type AdministrationOption,
  administrationOf,
  administrationOption,
  dataClassOption,
  type PriorityName,
  priorityNames,
  priorityOption,
} from './vm-options.js';

export interface ShapeOptions extends AdministrationOption {
  vcpus: number;
  /** MiB, as disk. */
  memory: number;
  disk: number;
  image: string;
  pool?: string;
  extra?: Extras;
  hugepages?: PageSize;
  /** How many cells. */
  numa?: number;
  dedicatedCpus?: true;
  site?: string[];
  country?: string[];
  jurisdiction?: string[];
  excludeHost?: string[];
  requireTrait?: string[];
  forbidTrait?: string[];
  preferTrait?: string[];
  preferSite?: string[];
  preferSitesInOrder?: true;
  preferCheap?: true;
  group?: GroupRule[];
  priority?: PriorityName;
  /** `dataClasses/{data_class}`. */
  dataClass?: string;
}

export function shapeOptions(): Option[] {
  return [
    administrationOption(),
    option('--vcpus <count>', 'virtual CPUs, 1 to 512', parseCount).makeOptionMandatory(),
    option('--memory <size>', 'e.g. 128MiB or 4GiB, at least 64MiB', parseSizeMib).makeOptionMandatory(),
    option('--disk <size>', "e.g. 20GiB, at least the image's own disk", parseSizeMib).makeOptionMandatory(),
    option('--image <image>', 'what it starts from', (text) =>
      resourceName('images', text),
    ).makeOptionMandatory(),
    option('--pool <pool>', "put the disk on that shared pool (default: the host's own)", (text) =>
      resourceName('storagePools', text),
    ),
    folded('--extra <extra>', 'with extras of its host, e.g. gpu:a30, or gpu:a30=2 for two', addExtra),
    new Option('--hugepages <size>', "memory of the host's hugepages of that size").choices(pageSizes),
    option('--numa <cells>', 'within one NUMA cell ("one"), or on 2 to 8 equal ones', parseCells),
    flag('--dedicated-cpus', 'a whole CPU of its cells for each vCPU; needs --numa'),
    repeated('--site <site>', 'only there', (text) => resourceName('sites', text)),
    repeated('--country <country>', 'only in that country', parseCountry),
    repeated('--jurisdiction <jurisdiction>', 'only where that law holds, e.g. EU', (text) => text),
    repeated('--exclude-host <host>', 'not on that host', (text) => resourceName('hosts', text)),
    repeated('--require-trait <trait>', 'only on hosts with it, e.g. ssd or cpu:avx2', parseWantedTrait),
    repeated('--forbid-trait <trait>', 'only on hosts without it', parseWantedTrait),
    repeated('--prefer-trait <trait>', 'better on a host with it', parseWantedTrait),
    repeated('--prefer-site <site>', 'better there', (text) => resourceName('sites', text)),
    flag('--prefer-sites-in-order', 'the earlier --prefer-site the better'),
    flag('--prefer-cheap', 'better where it is cheap, before all --prefer-site'),
    folded('--group <rule>', 'belong to a group of the administration, e.g. web:apart', addGroup),
    priorityOption(),
    dataClassOption(),
  ];
}

/** For the description of every command with these options. */
export const groupHelp = `A --group is NAME:POLICY[:SCOPE][:soft][:SKEW]; its VMs all say the same.
POLICY  together in one place, apart in different ones, or spread evenly
SCOPE   the place is a host, a rack or a site (default: host; spread: rack)
soft    preferred rather than required
SKEW    for spread: by how many VMs places may differ (default: 1)
Such as web:apart, db:spread:rack:1, cache:together:site:soft.`;

export function shapeOf(options: ShapeOptions): Pick<Vm, 'spec' | 'placement' | 'priority' | 'dataClass'> {
  const { hugepages, numa: cells = 0, dedicatedCpus = false } = options;
  if (dedicatedCpus && cells === 0)
    throw usageFailure('--dedicated-cpus needs --numa: CPUs are dedicated within cells.');
  return {
    priority: options.priority === undefined ? 'VM_PRIORITY_UNSPECIFIED' : priorityNames[options.priority],
    dataClass: options.dataClass ?? '',
    spec: {
      vcpus: options.vcpus,
      memoryMib: options.memory,
      diskMib: options.disk,
      image: options.image,
      storagePool: options.pool ?? '',
      extras: options.extra ?? {},
      hugepageSizeKib: hugepages === undefined ? 0 : pageSizesKib[hugepages],
      numa: cells === 0 ? null : { cells, dedicatedCpus },
    },
    placement: {
      sites: options.site ?? [],
      countries: options.country ?? [],
      jurisdictions: options.jurisdiction ?? [],
      excludedHosts: options.excludeHost ?? [],
      requiredTraits: options.requireTrait ?? [],
      forbiddenTraits: options.forbidTrait ?? [],
      preferredTraits: options.preferTrait ?? [],
      preferredSites: options.preferSite ?? [],
      preferredSitesInOrder: options.preferSitesInOrder ?? false,
      preferCheap: options.preferCheap ?? false,
      groups: options.group ?? [],
    },
  };
}

/** What a question about placement says: whose VM it would be, its shape, and its name if that is said. */
export function placementQuestion(
  context: Context,
  options: ShapeOptions,
  word?: string,
): { parent: string; vm: Vm } {
  const administration = administrationOf(context, options);
  if (word !== undefined) {
    const { parent, vmId } = newVmName(word, administration);
    return { parent, vm: { ...shapeOf(options), name: `${parent}/vms/${vmId}` } };
  }
  if (administration === undefined) {
    throw usageFailure('whose VM would it be? Say --administration or set SECOVIA_ADMINISTRATION.');
  }
  return { parent: administration, vm: shapeOf(options) };
}
