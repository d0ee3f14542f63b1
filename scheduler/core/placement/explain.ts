/** Turns the counts of a failed placement into the refusal that a caller reads. */
import type { Resources } from '../model.js';
import { type Refusal, refuse } from '../refusal.js';
import type { ExclusionCode, NoHost } from './placement.js';

/** How soon a caller may try again when hosts are only not connected. */
const retryDelayMs = 2000;

const words: Record<ExclusionCode, (count: number) => string> = {
  HOST_NOT_CONNECTED: (n) => `${n} ${n === 1 ? 'is' : 'are'} not connected`,
  CORDONED: (n) => `${n} ${n === 1 ? 'is' : 'are'} cordoned`,
  SITE_RECOVERING: (n) => `${n} ${n === 1 ? 'is' : 'are'} on a site in recovery`,
  NOT_ALLOWED_THERE: (n) => `${n} ${n === 1 ? 'is' : 'are'} outside the sites or countries you allow`,
  EXCLUDED_BY_REQUEST: (n) => `${n} ${n === 1 ? 'is' : 'are'} excluded by you`,
  REFUSED_BEFORE: (n) => `${n} refused it`,
  OTHER_ARCHITECTURE: (n) => `${n} ${n === 1 ? 'has' : 'have'} another architecture`,
  POOL_NOT_MOUNTED: (n) => `${n} ${n === 1 ? 'does' : 'do'} not mount the storage pool`,
  LACKS_VCPUS: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} vCPUs`,
  LACKS_MEMORY: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} memory`,
  LACKS_DISK: (n) => `${n} ${n === 1 ? 'lacks' : 'lack'} disk`,
  LACKS_VM_SLOTS: (n) => `${n} ${n === 1 ? 'has' : 'have'} as many VMs as it may`,
};

export function refuseNoHost(noHost: NoHost, needs: Resources, name: string): Refusal {
  const size = `${needs.vcpus} vCPU, ${needs.memoryMib} MiB memory, ${needs.diskMib} MiB disk`;
  const metadata: Record<string, string> = { hosts: String(noHost.hosts) };
  const parts: string[] = [];
  for (const [code, count] of [...noHost.excluded].sort((a, b) => b[1] - a[1])) {
    parts.push(words[code](count));
    metadata[code] = String(count);
  }
  const why =
    noHost.hosts === 0
      ? 'there are no hosts'
      : `of ${noHost.hosts} ${noHost.hosts === 1 ? 'host' : 'hosts'} ${parts.join(', ')}`;
  const sentence = `no host can take VM "${name}" (${size}): ${why}`;
  if (!noHost.temporary) return refuse('exhausted', 'NO_HOST', sentence, metadata);
  return { ...refuse('unavailable', 'NO_HOST', sentence, metadata), retryDelayMs };
}
