/** Keeps hosts evenly loaded: the most memory left, then the most vCPUs. */
import type { Scorer } from './scorer.js';

const vcpuRange = 65_536;

export const spread: Scorer = {
  name: 'spread',
  score: (into, host, vcpus, memoryMib) => {
    into[host] = -(memoryMib * vcpuRange + Math.min(vcpus, vcpuRange - 1));
  },
  bound: (_least, most) => -(most.memoryMib * vcpuRange + Math.min(most.vcpus, vcpuRange - 1)),
};
