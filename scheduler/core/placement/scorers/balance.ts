/**
 * Keeps what is left in proportion, so that neither vCPUs nor memory are stranded: the smallest distance between the
 * memory left and what the vCPUs left usually come with, then the least memory.
 */
import type { Scorer } from './scorer.js';

/** MiB of memory that VMs usually have for each vCPU. */
const memoryPerVcpuMib = 2048;
/** Above any amount of memory of a host that matters for a tie. */
const memoryRange = 2 ** 22;
const distanceRange = 2 ** 30;

const combine = (distance: number, memoryMib: number) =>
  Math.min(distance, distanceRange) * memoryRange + Math.min(memoryMib, memoryRange - 1);

export const balance: Scorer = {
  name: 'balance',
  score: (into, host, vcpus, memoryMib) => {
    into[host] = combine(Math.abs(memoryMib - vcpus * memoryPerVcpuMib), memoryMib);
  },
  bound: (least, most) => {
    const above = least.memoryMib - most.vcpus * memoryPerVcpuMib;
    const below = least.vcpus * memoryPerVcpuMib - most.memoryMib;
    return combine(Math.max(0, above, below), least.memoryMib);
  },
};
