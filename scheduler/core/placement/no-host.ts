/** Turns the counts of a failed placement into the refusal that a caller reads. */
import type { VmSpec } from '../model.js';
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import type { ExclusionCode, Explanation } from './explanation.js';
import type { PlacementRequest } from './request.js';
import { confidentialOf, exceededWords, refuseExceeded, subjectOf } from '../tenancy/refusals.js';
import { suggest, type Suggestion } from './suggestion.js';

/** How soon a caller may try again when hosts are only not connected. */
const retryDelayMs = 2000;

/** What is said of so many hosts. */
export const exclusionWords: Record<ExclusionCode, (count: number) => string> = {
  HOST_NOT_CONNECTED: (n) => `${n} ${n === 1 ? 'is' : 'are'} not connected`,
  CORDONED: (n) => `${n} ${n === 1 ? 'is' : 'are'} cordoned`,
  HOLDS_TOO_MUCH: (n) => `${n} ${n === 1 ? 'has' : 'have'} less than the VMs there hold`,
  SITE_RECOVERING: (n) => `${n} ${n === 1 ? 'is' : 'are'} on a site in recovery`,
  NOT_ALLOWED_THERE: (n) =>
    `${n} ${n === 1 ? 'is' : 'are'} outside the sites, countries or jurisdictions you allow`,
  NOT_LAWFUL: (n) => `${n} ${n === 1 ? 'is' : 'are'} where data of this class may not be`,
  NO_AGREEMENT: (n) => `${n} ${n === 1 ? 'belongs' : 'belong'} to partners with whom there is no agreement`,
  QUOTA_EXCEEDED: (n) => `${n} ${n === 1 ? 'is' : 'are'} where a quota is used up`,
  AGREEMENT_EXHAUSTED: (n) => `${n} ${n === 1 ? 'is' : 'are'} where an agreement is used up`,
  RESERVE_KEPT: (n) => `${n} ${n === 1 ? 'is' : 'are'} kept in reserve for the partner's own administrations`,
  EXCLUDED_BY_REQUEST: (n) => `${n} ${n === 1 ? 'is' : 'are'} excluded by you`,
  REFUSED_BEFORE: (n) => `${n} refused it`,
  OTHER_ARCHITECTURE: (n) => `${n} ${n === 1 ? 'has' : 'have'} another architecture`,
  POOL_NOT_MOUNTED: (n) => `${n} ${n === 1 ? 'does' : 'do'} not mount the storage pool`,
  DEDICATED_TO_OTHERS: (n) => `${n} ${n === 1 ? 'is' : 'are'} kept for other administrations`,
  LACKS_TRAIT: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} a required trait`,
  FORBIDDEN_TRAIT: (n) => `${n} ${n === 1 ? 'has' : 'have'} a forbidden trait`,
  AWAY_FROM_GROUP: (n) => `${n} ${n === 1 ? 'is' : 'are'} away from the VM's group`,
  TOO_CLOSE_TO_GROUP: (n) => `${n} ${n === 1 ? 'is' : 'are'} too close to the VM's group`,
  UNEVEN_SPREAD: (n) => `${n} would make the VM's group uneven`,
  ROOM_KEPT_FREE: (n) =>
    `${n} ${n === 1 ? 'is' : 'are'} on a site that must keep room for the loss of a host`,
  LACKS_EXTRA: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} extras`,
  LACKS_HUGEPAGES: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} hugepages`,
  LACKS_DEDICATED_CPUS: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} CPUs to dedicate`,
  LACKS_NUMA_CELL: (n) => `${n} ${n === 1 ? 'has' : 'have'} no NUMA cells with room for it`,
  LACKS_VCPUS: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} vCPUs`,
  LACKS_MEMORY: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} memory`,
  LACKS_DISK: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} disk`,
  LACKS_VM_SLOTS: (n) => `${n} ${n === 1 ? 'has' : 'have'} as many VMs as it may`,
};

/** The refusal of a call about one VM: it is worth a search for what would make it fit. */
export function refuseOne(
  state: State,
  request: PlacementRequest,
  noHost: Explanation,
  spec: VmSpec,
  name: string,
): Refusal {
  return refuseNoHost(noHost, spec, name, noHost.temporary ? null : suggest(state, request, noHost));
}

/**
 * `spec` is what the VM asks for in all, `name` is null for one that is only thought of. While waiting may help, nothing
 * is suggested: the VM can have what was asked for.
 */
export function refuseNoHost(
  noHost: Explanation,
  spec: VmSpec,
  name: string | null,
  suggestion: Suggestion | null = null,
): Refusal {
  // A quota that holds everywhere is the reason, whatever hosts there are.
  const [first, ...others] = noHost.exceeded;
  if (first?.code === 'QUOTA_EXCEEDED' && first.quota.scope.kind === 'everywhere')
    return refuseExceeded([first, ...others]);
  const metadata: Record<string, string> = { hosts: String(noHost.hosts) };
  const parts: string[] = [];
  for (const [code, { hosts }] of [...noHost.excluded].sort((a, b) => b[1].hosts - a[1].hosts)) {
    const which = code === 'LACKS_EXTRA' ? ` (${listed(noHost.lackedExtras)})` : '';
    parts.push(`${exclusionWords[code](hosts)}${which}`);
    metadata[code] = String(hosts);
  }
  if (noHost.lackedExtras.size > 0) metadata['lacked_extras'] = listed(noHost.lackedExtras);
  const why =
    noHost.hosts === 0
      ? 'there are no hosts'
      : `of ${noHost.hosts} ${noHost.hosts === 1 ? 'host' : 'hosts'} ${parts.join(', ')}`;
  const what = name === null ? 'a VM of this shape' : `VM "${name}"`;
  const sentence = `no host can take ${what} (${sizeOf(spec)}): ${why}`;
  if (noHost.temporary) {
    return { ...refuse('unavailable', 'NO_HOST', sentence, metadata), retryDelayMs };
  }
  const reason = reasonOf(noHost);
  const kind = reason === 'NOT_LAWFUL' || reason === 'NO_AGREEMENT' ? 'precondition' : 'exhausted';
  const more = noHost.exceeded.map(exceededWords);
  if (suggestion !== null) {
    metadata['suggestion_field'] = suggestion.field;
    metadata['suggestion_value'] = suggestion.value;
    more.push(suggestion.description);
  }
  if (reason === 'NO_AGREEMENT') more.push('partners make one with: secovia agreement create');
  if (reason === 'NOT_LAWFUL') more.push('see: secovia residency explain');
  const refusal = refuse(kind, reason, [sentence, ...more].join('; '), metadata);
  if (noHost.exceeded.length === 0) return refusal;
  const quota = noHost.exceeded.map((one) => ({ subject: subjectOf(one), description: exceededWords(one) }));
  return { ...refusal, quota, confidential: noHost.exceeded.map((one) => confidentialOf(one)) };
}

/** Tenancy is the reason where it alone keeps some host from taking the VM; otherwise there is just no host. */
function reasonOf({ excluded }: Explanation): string {
  const codes = [
    'QUOTA_EXCEEDED',
    'AGREEMENT_EXHAUSTED',
    'RESERVE_KEPT',
    'NOT_LAWFUL',
    'NO_AGREEMENT',
  ] as const;
  return codes.find((code) => (excluded.get(code)?.sole ?? 0) > 0) ?? 'NO_HOST';
}

/** The refusal of a VM of a batch whose refused VMs ask for too many different things to explain each. */
export function refuseUnexplained(spec: VmSpec, name: string, explained: number): Refusal {
  return refuse(
    'exhausted',
    'NO_HOST',
    `no host can take VM "${name}" (${sizeOf(spec)}); why is not said for more than ${explained} different VMs of a call`,
  );
}

function sizeOf({ vcpus, memoryMib, diskMib, extras = {}, hugepageKib, numa }: VmSpec): string {
  const cpus = `${vcpus} ${numa?.dedicatedCpus === true ? 'dedicated CPUs' : 'vCPU'}`;
  const memory = `${memoryMib} MiB ${hugepageKib === undefined ? 'memory' : `in pages of ${hugepageKib / 1024} MiB`}`;
  const cells = numa === undefined ? [] : [`${numa.cells} NUMA ${numa.cells === 1 ? 'cell' : 'cells'}`];
  return [
    cpus,
    memory,
    `${diskMib} MiB disk`,
    ...cells,
    ...Object.entries(extras).map(([name, count]) => `${count} ${name}`),
  ].join(', ');
}

/** `gpu:a30 on 3, sriov-vf on 1`: what most hosts lack first. */
function listed(lacked: ReadonlyMap<string, number>): string {
  const sorted = [...lacked].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([name, hosts]) => `${name} on ${hosts}`).join(', ');
}
