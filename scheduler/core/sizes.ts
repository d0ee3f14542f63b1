/** Sizes of VMs, compared resource by resource. */
import type { VmSize } from './model.js';

/** The largest that a VM can have: 16 TiB of memory, 64 TiB of disk. */
export const largestSize: Readonly<VmSize> = { vcpus: 512, memoryMib: 16 * 2 ** 20, diskMib: 64 * 2 ** 20 };

const resources = ['vcpus', 'memoryMib', 'diskMib'] as const;

export function sizeOf({ vcpus, memoryMib, diskMib }: VmSize): VmSize {
  return { vcpus, memoryMib, diskMib };
}

/** The larger of both, each resource by itself. */
export function largerOf(one: VmSize, other: VmSize): VmSize {
  return {
    vcpus: Math.max(one.vcpus, other.vcpus),
    memoryMib: Math.max(one.memoryMib, other.memoryMib),
    diskMib: Math.max(one.diskMib, other.diskMib),
  };
}

export function isSameSize(one: VmSize, other: VmSize): boolean {
  return resources.every((resource) => one[resource] === other[resource]);
}
