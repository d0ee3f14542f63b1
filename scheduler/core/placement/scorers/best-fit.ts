/** For comparison: exact best fit on one resource, then on the other. */
import type { Scorer } from './scorer.js';

/** Above any amount of the second resource that matters for a tie. */
const range = 2 ** 22;

export const memoryBestFit: Scorer = {
  name: 'memory-best-fit',
  score: (into, host, vcpus, memoryMib) => {
    into[host] = memoryMib * range + vcpus;
  },
  bound: (least) => least.memoryMib * range + least.vcpus,
};

export const vcpuBestFit: Scorer = {
  name: 'vcpu-best-fit',
  score: (into, host, vcpus, memoryMib) => {
    into[host] = vcpus * range + memoryMib;
  },
  bound: (least) => least.vcpus * range + least.memoryMib,
};
