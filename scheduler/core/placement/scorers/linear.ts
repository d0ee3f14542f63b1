/** For comparison: the smallest sum of the shares of vCPUs and memory left, for hosts that are all of one shape. */
import type { Amounts, Scorer } from './scorer.js';

export const linear = (shape: Pick<Amounts, 'vcpus' | 'memoryMib'>): Scorer => {
  const sum = (vcpus: number, memoryMib: number) => vcpus * shape.memoryMib + memoryMib * shape.vcpus;
  return {
    name: 'linear',
    score: (into, host, vcpus, memoryMib) => {
      into[host] = sum(vcpus, memoryMib);
    },
    bound: (least) => sum(least.vcpus, least.memoryMib),
  };
};
