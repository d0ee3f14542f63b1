/** What placement looks at of a VM, in the words of a scenario. */
import type { GroupRule__Output } from '../../proto/gen/secovia/v1/GroupRule.js';
import type { VmSpec__Output } from '../../proto/gen/secovia/v1/VmSpec.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { shortName } from '../values/names.js';
import { stateWord } from '../views/enums.js';

const policies: Record<string, string> = {
  GROUP_POLICY_AFFINITY: 'together',
  GROUP_POLICY_ANTI_AFFINITY: 'apart',
  GROUP_POLICY_SPREAD: 'spread',
};

const scopes: Record<string, string> = {
  GROUP_SCOPE_RACK: 'rack',
  GROUP_SCOPE_SITE: 'site',
};

/** Also that of a scheduler that knows no priorities. */
const plain = new Set<string>(['VM_PRIORITY_NORMAL', 'VM_PRIORITY_UNSPECIFIED']);

/** The class of a VM that has none. */
const plainClass = 'internal';

export function shapeEntry({ spec, placement, priority, dataClass }: Vm__Output): Record<string, unknown> {
  const pool = shortName(spec?.storagePool ?? '');
  const kind = shortName(dataClass);
  const said: Record<string, unknown> = {
    vcpus: spec?.vcpus,
    memory: spec?.memoryMib,
    disk: spec?.diskMib,
    image: shortName(spec?.image ?? ''),
    ...(pool === '' ? {} : { pool }),
    ...special(spec),
    ...(kind === '' || kind === plainClass ? {} : { class: kind }),
    ...(plain.has(priority) ? {} : { priority: stateWord(priority).toLowerCase() }),
  };
  if (placement === null) return said;
  const wishes: Record<string, readonly unknown[]> = {
    sites: placement.sites.map(shortName),
    countries: placement.countries,
    jurisdictions: placement.jurisdictions,
    excludedHosts: placement.excludedHosts.map(shortName),
    requireTraits: placement.requiredTraits,
    forbidTraits: placement.forbiddenTraits,
    preferTraits: placement.preferredTraits,
    preferSites: placement.preferredSites.map(shortName),
    groups: placement.groups.map(groupEntry),
  };
  for (const [wish, list] of Object.entries(wishes)) if (list.length > 0) said[wish] = list;
  if (placement.preferredSitesInOrder) said['preferSitesInOrder'] = true;
  if (placement.preferCheap) said['preferCheap'] = true;
  return said;
}

/** What most VMs ask nothing of. */
function special(spec: VmSpec__Output | null): Record<string, unknown> {
  const { extras = {}, hugepageSizeKib = 0, numa = null } = spec ?? {};
  return {
    ...(Object.keys(extras).length === 0 ? {} : { extras }),
    ...(hugepageSizeKib === 0 ? {} : { hugepages: pageSize(hugepageSizeKib) }),
    ...(numa === null || numa.cells === 0 ? {} : { numa: numa.cells }),
    ...(numa?.dedicatedCpus === true ? { dedicatedCpus: true } : {}),
  };
}

/** A size of hugepages in the words of a scenario. */
export function pageSize(kib: number): string {
  return kib >= 1_048_576 ? `${kib / 1_048_576}Gi` : `${kib / 1024}Mi`;
}

function groupEntry({ group, policy, scope, soft, maxSkew }: GroupRule__Output): Record<string, unknown> {
  const word = policies[policy];
  return {
    group,
    policy: word,
    ...(scopes[scope] === undefined ? {} : { scope: scopes[scope] }),
    ...(soft ? { soft } : {}),
    ...(word === 'spread' ? { maxSkew: Math.max(1, maxSkew) } : {}),
  };
}
