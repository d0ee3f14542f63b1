/** For comparison: the smallest of the larger shares left, for hosts that are all of one shape. */
import type { Amounts, Scorer } from './scorer.js';

export const dominant = (shape: Pick<Amounts, 'vcpus' | 'memoryMib'>): Scorer => {
  const larger = (vcpus: number, memoryMib: number) =>
    Math.max(vcpus * shape.memoryMib, memoryMib * shape.vcpus);
  return {
    name: 'dominant',
    score: (into, host, vcpus, memoryMib) => {
      into[host] = larger(vcpus, memoryMib);
    },
    bound: (least) => larger(least.vcpus, least.memoryMib),
  };
};
