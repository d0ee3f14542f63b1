/**
 * Fills hosts up, so that few are in use and large VMs still find room. Memory comes first because it cannot be
 * overcommitted and is what runs out: the fewest whole GiB left. Hosts that differ by less than that fill up equally well,
 * and of these the one whose content is the oldest is taken, because it will be in use for long anyway, and those with
 * young content may soon be empty; then the one with the fewest vCPUs. Before all that, a small VM goes where it breaks
 * into no room for a large one.
 */
import type { Scorer } from './scorer.js';

const stepMib = 1024;
/** Above any number of steps of a host, minute of its content, and number of vCPUs that matter for a tie: 2^53 in all. */
const stepRange = 2 ** 16;
const startRange = 2 ** 26;
const vcpuRange = 2 ** 11;

const steps = (memoryMib: number) => Math.min(Math.floor(memoryMib / stepMib), stepRange - 1);

export const pack: Scorer = {
  name: 'pack',
  keepsSlots: true,
  score: (into, host, vcpus, memoryMib, _diskMib, contentStart) => {
    const ties = contentStart * vcpuRange + Math.min(vcpus, vcpuRange - 1);
    into[host] = steps(memoryMib) * startRange * vcpuRange + ties;
  },
  bound: (least) => steps(least.memoryMib) * startRange * vcpuRange + Math.min(least.vcpus, vcpuRange - 1),
};
