/**
 * Fills hosts up, so that few are in use and large VMs still find room: the least memory left, then the fewest
 * vCPUs. Memory comes first because it cannot be overcommitted and is what runs out. Before that, a small VM goes
 * where it breaks into no room for a large one.
 */
import type { Scorer } from './scorer.js';

/** Above any number of vCPUs of a host that matters for a tie. */
const vcpuRange = 65_536;

export const pack: Scorer = {
  name: 'pack',
  keepsSlots: true,
  score: (into, host, vcpus, memoryMib) => {
    into[host] = memoryMib * vcpuRange + Math.min(vcpus, vcpuRange - 1);
  },
  bound: (least) => least.memoryMib * vcpuRange + Math.min(least.vcpus, vcpuRange - 1),
};
