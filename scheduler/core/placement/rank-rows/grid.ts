/**
 * The cells that free amounts are sorted into: one for each combination of ranks. Cells stand in the order of the
 * lowest score that a host in them can have, so a search that goes through them in order may stop at the first whose
 * bound is above what it has found.
 */
import type { Scorer } from '../scorers/scorer.js';
import type { Cuts, GridCuts } from './cuts.js';

export class Grid {
  readonly cells: number;
  /** The ranks of each cell. */
  readonly vcpuRank: Uint8Array;
  readonly memoryRank: Uint8Array;
  readonly diskRank: Uint8Array;
  /** The lowest score that a host of the cell can have. */
  readonly bounds: Float64Array;
  /** The cell of each combination of ranks. */
  readonly #cellAt: Int32Array;
  /** By rank, the first cell that reaches it. */
  readonly #firstByVcpus: Int32Array;
  readonly #firstByMemory: Int32Array;
  readonly #firstByDisk: Int32Array;

  constructor(
    readonly cuts: GridCuts,
    scorer: Scorer,
  ) {
    const { vcpus, memoryMib, diskMib } = cuts;
    const corners = [];
    for (let v = 0; v <= vcpus.at.length; v += 1) {
      for (let m = 0; m <= memoryMib.at.length; m += 1) {
        for (let d = 0; d <= diskMib.at.length; d += 1) {
          const bound = scorer.bound(
            { vcpus: lowest(vcpus, v), memoryMib: lowest(memoryMib, m), diskMib: lowest(diskMib, d) },
            { vcpus: highest(vcpus, v), memoryMib: highest(memoryMib, m), diskMib: highest(diskMib, d) },
          );
          corners.push({ v, m, d, bound });
        }
      }
    }
    corners.sort((a, b) => (a.bound < b.bound ? -1 : a.bound > b.bound ? 1 : 0));
    this.cells = corners.length;
    this.vcpuRank = Uint8Array.from(corners, ({ v }) => v);
    this.memoryRank = Uint8Array.from(corners, ({ m }) => m);
    this.diskRank = Uint8Array.from(corners, ({ d }) => d);
    this.bounds = Float64Array.from(corners, ({ bound }) => bound);
    this.#cellAt = new Int32Array(this.cells);
    for (const [cell, { v, m, d }] of corners.entries()) this.#cellAt[this.#combination(v, m, d)] = cell;
    this.#firstByVcpus = firstReaching(this.vcpuRank, vcpus);
    this.#firstByMemory = firstReaching(this.memoryRank, memoryMib);
    this.#firstByDisk = firstReaching(this.diskRank, diskMib);
  }

  /** The cell for these free amounts. */
  cell(vcpus: number, memoryMib: number, diskMib: number): number {
    const { cuts } = this;
    return this.#cellAt[
      this.#combination(cuts.vcpus.rank(vcpus), cuts.memoryMib.rank(memoryMib), cuts.diskMib.rank(diskMib))
    ] as number;
  }

  /** No cell before this one reaches all three ranks. */
  first(vcpuRank: number, memoryRank: number, diskRank: number): number {
    return Math.max(
      this.#firstByVcpus[vcpuRank] as number,
      this.#firstByMemory[memoryRank] as number,
      this.#firstByDisk[diskRank] as number,
    );
  }

  #combination(v: number, m: number, d: number): number {
    const { memoryMib, diskMib } = this.cuts;
    return (v * (memoryMib.at.length + 1) + m) * (diskMib.at.length + 1) + d;
  }
}

const lowest = ({ at }: Cuts, rank: number): number => (rank === 0 ? 0 : (at[rank - 1] as number));

/** The largest amount of a rank. */
const highest = ({ at }: Cuts, rank: number): number =>
  rank === at.length ? Number.POSITIVE_INFINITY : (at[rank] as number) - 1;

function firstReaching(ranks: Uint8Array, cuts: Cuts): Int32Array {
  return Int32Array.from({ length: cuts.at.length + 1 }, (_, rank) =>
    ranks.findIndex((reached) => reached >= rank),
  );
}
