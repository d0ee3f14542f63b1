/**
 * What VMs ask for. The usual mix is that of a real cloud: how many VMs had each number of vCPUs and amount of memory
 * in the Azure Public Dataset V1 (CC BY 4.0), by way of the trace_generation_rnn repository. It says nothing of
 * disks, so they have a few usual sizes. The arbitrary mix is what an index by sizes likes least: hardly two alike.
 */
import type { Resources } from '../../scheduler/core/model.js';
import type { Random } from '../scheduler/core/placement/random.js';

/** Sizes by number, and which of them the next VM has. */
export interface Sizes {
  all: readonly Resources[];
  draw(random: Random): number;
}

const traced: readonly [vcpus: number, memoryMib: number, vms: number][] = [
  [1, 1792, 156_437],
  [2, 3584, 48_008],
  [4, 7168, 25_700],
  [8, 14_336, 23_315],
  [1, 768, 4108],
  [8, 57_344, 1427],
  [4, 28_672, 49],
  [2, 14_336, 49],
  [2, 4096, 22],
  [4, 8192, 15],
  [1, 2048, 10],
  [16, 114_688, 9],
  [8, 16_384, 5],
  [2, 16_384, 3],
  [8, 65_536, 1],
  [4, 32_768, 1],
];
const tracedVms = traced.reduce((sum, [, , vms]) => sum + vms, 0);
const disksMib = [10_240, 20_480, 40_960, 102_400];

export const tracedSizes: Sizes = {
  all: traced.flatMap(([vcpus, memoryMib]) =>
    disksMib.map((diskMib) => ({ vcpus, memoryMib, diskMib, vms: 1 })),
  ),
  draw(random) {
    let left = random.below(tracedVms);
    let kind = 0;
    for (; left >= (traced[kind]?.[2] ?? Number.POSITIVE_INFINITY); kind += 1) left -= traced[kind]?.[2] ?? 0;
    return kind * disksMib.length + random.below(disksMib.length);
  },
};

/** So many sizes without any order in them, each as frequent as the others. */
export function arbitrarySizes(count: number, random: Random): Sizes {
  const all = Array.from({ length: count }, () => ({
    vcpus: 1 + random.below(16),
    memoryMib: 512 + random.below(40_000),
    diskMib: 5000 + random.below(100_000),
    vms: 1,
  }));
  return { all, draw: () => random.below(count) };
}
