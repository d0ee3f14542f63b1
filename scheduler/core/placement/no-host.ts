/** Turns the counts of a failed placement into the refusal that a caller reads. */
import type { Resources } from '../model.js';
import { type Refusal, refuse } from '../refusal.js';
import type { ExclusionCode, Explanation } from './explanation.js';

/** How soon a caller may try again when hosts are only not connected. */
const retryDelayMs = 2000;

/** What is said of so many hosts. */
export const exclusionWords: Record<ExclusionCode, (count: number) => string> = {
  HOST_NOT_CONNECTED: (n) => `${n} ${n === 1 ? 'is' : 'are'} not connected`,
  CORDONED: (n) => `${n} ${n === 1 ? 'is' : 'are'} cordoned`,
  SITE_RECOVERING: (n) => `${n} ${n === 1 ? 'is' : 'are'} on a site in recovery`,
  NOT_ALLOWED_THERE: (n) =>
    `${n} ${n === 1 ? 'is' : 'are'} outside the sites, countries or jurisdictions you allow`,
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
  LACKS_VCPUS: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} vCPUs`,
  LACKS_MEMORY: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} memory`,
  LACKS_DISK: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} disk`,
  LACKS_VM_SLOTS: (n) => `${n} ${n === 1 ? 'has' : 'have'} as many VMs as it may`,
};

export function refuseNoHost(noHost: Explanation, needs: Resources, name: string): Refusal {
  const size = `${needs.vcpus} vCPU, ${needs.memoryMib} MiB memory, ${needs.diskMib} MiB disk`;
  const metadata: Record<string, string> = { hosts: String(noHost.hosts) };
  const parts: string[] = [];
  for (const [code, { hosts }] of [...noHost.excluded].sort((a, b) => b[1].hosts - a[1].hosts)) {
    parts.push(exclusionWords[code](hosts));
    metadata[code] = String(hosts);
  }
  const why =
    noHost.hosts === 0
      ? 'there are no hosts'
      : `of ${noHost.hosts} ${noHost.hosts === 1 ? 'host' : 'hosts'} ${parts.join(', ')}`;
  const sentence = `no host can take VM "${name}" (${size}): ${why}`;
  if (!noHost.temporary) return refuse('exhausted', 'NO_HOST', sentence, metadata);
  return { ...refuse('unavailable', 'NO_HOST', sentence, metadata), retryDelayMs };
}
