/**
 * What of the machine the VMs may have: everything, less what the operating system and the agent need. An operator
 * may state either; what is stated is taken as it is.
 */
import type { Resources } from '../../proto/gen/secovia/v1/Resources.js';

export interface Amounts {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

export interface CapacityPolicy {
  /** Replaces what was measured; nothing is reserved of it unless that is stated too. */
  capacity: Partial<Amounts>;
  reserved: Partial<Amounts>;
}

const reserve = {
  memory: { atLeastMib: 1024, share: 0.05 },
  disk: { atLeastMib: 2048, share: 0.05 },
  /** A host with this many CPUs or more keeps one for itself. */
  cpuFrom: 8,
};

function defaultReserve(measured: Amounts): Amounts {
  const { memory, disk } = reserve;
  return {
    vcpus: measured.vcpus >= reserve.cpuFrom ? 1 : 0,
    memoryMib: Math.max(memory.atLeastMib, Math.ceil(measured.memoryMib * memory.share)),
    diskMib: Math.max(disk.atLeastMib, Math.ceil(measured.diskMib * disk.share)),
  };
}

/** Total and reserved; capacity for VMs is the difference and never below nothing. */
export function shareOut(measured: Amounts, policy: CapacityPolicy): { total: Amounts; reserved: Amounts } {
  const total = { ...measured };
  const reserved = defaultReserve(measured);
  for (const key of ['vcpus', 'memoryMib', 'diskMib'] as const) {
    const stated = policy.capacity[key];
    if (stated !== undefined) {
      total[key] = stated;
      reserved[key] = 0;
    }
    reserved[key] = Math.min(policy.reserved[key] ?? reserved[key], total[key]);
  }
  return { total, reserved };
}

/** As the contract carries them. VMs are counted by the scheduler, so their number is not limited here. */
export const resourcesMessage = (amounts: Amounts): Resources => ({ ...amounts, vms: 0, extras: {} });
