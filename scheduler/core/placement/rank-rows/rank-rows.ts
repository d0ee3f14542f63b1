/**
 * The index that placement asks: which of these hosts can take a request, and has the lowest score of them.
 *
 * Hosts are kept in rows. A row holds the hosts of one profile (what the rules ask for: site, architecture, ...)
 * and one cell (the ranks of what they have free), in a heap by score. All hosts of a cell that reaches a request's
 * ranks can take it, so the best of a row is its top, and the best of all is the best top among few rows: cells are
 * gone through from the lowest possible score up, until no better one can follow.
 *
 * The answer is the one that looking at every host would give, ties included, wherever the ranks are cut. Finding it
 * and keeping up with changes make no garbage.
 */
import type { FreeColumns } from '../../host-table.js';
import type { Resources } from '../../model.js';
import type { Scorer } from '../scorers/scorer.js';
import { type CutLimits, cutLimits, firstCuts, type GridCuts, SizeSample } from './cuts.js';
import { Grid } from './grid.js';
import type { IdOrder } from './id-order.js';
import { Rows } from './rows.js';

const none = -1;

/** Profiles by number, a bit each, that a request may use. */
export type ProfileMask = Int32Array;

/** Whether a mask has a profile. */
export function hasProfile(mask: ProfileMask, profile: number): boolean {
  return ((mask[profile >>> 5] ?? 0) & (1 << (profile & 31))) !== 0;
}

/** Hosts that a request may not use, besides what their profile says; asked only of hosts that could win. */
export interface Excluding {
  excludes(host: number): boolean;
}

/** How many requests there are between two looks at whether the cuts still fit. */
const shortestWatch = 2048;
const longestWatch = 2 ** 20;

/** An index with other cuts in the making. Requests go on with the old one until all hosts are in the new one. */
interface Next {
  grid: Grid;
  rows: Rows;
  /** Those with lower numbers are in it. */
  hosts: number;
}

export class RankRows {
  readonly #free: FreeColumns;
  readonly #scorer: Scorer;
  readonly #order: IdOrder;
  #hosts = 0;
  #scores = new Float64Array(64);
  /** By host; -1 for one that is not on offer. */
  #profiles = new Int32Array(64).fill(none);
  /** How many profiles there is room for. */
  #profileRoom = 8;
  #grid: Grid;
  #rows: Rows;
  #next: Next | null = null;
  readonly #stack: number[] = [];
  readonly #sample = new SizeSample();
  /** Requests since the cuts were looked at. */
  #asked = 0;
  /** Hosts that were looked at one by one since then. */
  #looked = 0;
  #watch = shortestWatch;

  /**
   * `free` is what hosts have, by the numbers that `add` counts up; this index follows it when told to. `order` has
   * their ids, by the same numbers.
   */
  constructor(
    free: FreeColumns,
    scorer: Scorer,
    order: IdOrder,
    /** Hosts that one request takes over into an index with other cuts: by default a fraction of a millisecond. */
    private readonly takenOverAtOnce = 1024,
  ) {
    this.#free = free;
    this.#scorer = scorer;
    this.#order = order;
    this.#grid = new Grid(firstCuts(this.#roomForCuts()), scorer);
    this.#rows = this.#layOut(this.#grid);
  }

  /** Takes in the next host, which has its place in the order and is not yet on offer. */
  add(): void {
    if (this.#hosts === this.#scores.length) this.#grow();
    this.#hosts += 1;
  }

  /** Offers a host to the requests that may use its profile, or to none when the profile is null. */
  offer(host: number, profile: number | null): void {
    if ((this.#profiles[host] as number) === (profile ?? none)) return;
    this.#take(host);
    this.#profiles[host] = profile ?? none;
    if (profile !== null && profile >= this.#profileRoom) {
      while (profile >= this.#profileRoom) this.#profileRoom *= 2;
      this.#rebuild(this.#grid.cuts);
    } else this.update(host);
  }

  /** The profile under which a host is on offer; null when it is not. */
  profileOf(host: number): number | null {
    const profile = this.#profiles[host] as number;
    return profile === none ? null : profile;
  }

  /** To be called after what a host has free, or holds, has changed. */
  update(host: number): void {
    if (this.#profiles[host] === none) return;
    const { freeVcpus, freeMemoryMib, freeDiskMib, freeVms, contentStarts } = this.#free;
    const vcpus = freeVcpus[host] as number;
    const memoryMib = freeMemoryMib[host] as number;
    const diskMib = freeDiskMib[host] as number;
    // A host that has less than nothing of anything, or no room for one VM more, can take no request at all.
    if (vcpus < 0 || memoryMib < 0 || diskMib < 0 || (freeVms[host] as number) <= 0) {
      this.#take(host);
      return;
    }
    const contentStart = contentStarts[host] as number;
    this.#scorer.score(this.#scores, host, vcpus, memoryMib, diskMib, contentStart);
    this.#put(host, this.#grid, this.#rows);
    const next = this.#next;
    if (next !== null && host < next.hosts) this.#put(host, next.grid, next.rows);
  }

  /** Puts a host that can take requests, and has its score, where it belongs. */
  #put(host: number, grid: Grid, rows: Rows): void {
    const { freeVcpus, freeMemoryMib, freeDiskMib } = this.#free;
    const vcpus = freeVcpus[host] as number;
    const cell = grid.cell(vcpus, freeMemoryMib[host] as number, freeDiskMib[host] as number);
    rows.put(host, cell, this.#profiles[host] as number);
  }

  #take(host: number): void {
    this.#rows.take(host);
    this.#next?.rows.take(host);
  }

  /**
   * The host with the lowest score, and of equal scores the lowest id, that has room for one VM of this size; -1 if
   * there is none.
   */
  find(size: Readonly<Resources>, mask: ProfileMask, excluding: Excluding | null): number {
    if (this.#next !== null) this.#takeOver(this.#next);
    else if (this.#asked >= this.#watch) this.#reconsider();
    this.#asked += 1;
    const { vcpus, memoryMib, diskMib } = size;
    this.#sample.note(vcpus, memoryMib, diskMib);
    const grid = this.#grid;
    const vcpuRank = grid.cuts.vcpus.rank(vcpus);
    const memoryRank = grid.cuts.memoryMib.rank(memoryMib);
    const diskRank = grid.cuts.diskMib.rank(diskMib);
    // Ranks at which a host may have too little although it reaches the request's rank.
    const unsureVcpus = grid.cuts.vcpus.exact(vcpus, vcpuRank) ? none : vcpuRank;
    const unsureMemory = grid.cuts.memoryMib.exact(memoryMib, memoryRank) ? none : memoryRank;
    const unsureDisk = grid.cuts.diskMib.exact(diskMib, diskRank) ? none : diskRank;

    const { occupied } = this.#rows;
    let best = none;
    const first = grid.first(vcpuRank, memoryRank, diskRank);
    let keep = -1 << (first & 31);
    for (let word = first >>> 5; word < occupied.length; word += 1) {
      let bits = (occupied[word] as number) & keep;
      keep = -1;
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const cell = word * 32 + bit;
        if (best !== none && (grid.bounds[cell] as number) > (this.#scores[best] as number)) return best;
        const hasVcpus = grid.vcpuRank[cell] as number;
        const hasMemory = grid.memoryRank[cell] as number;
        const hasDisk = grid.diskRank[cell] as number;
        if (hasVcpus < vcpuRank || hasMemory < memoryRank || hasDisk < diskRank) continue;
        const unsure = hasVcpus === unsureVcpus || hasMemory === unsureMemory || hasDisk === unsureDisk;
        best = this.#bestOfCell(cell, mask, best, unsure ? size : null, excluding);
      }
    }
    return best;
  }

  /** As `find`, of these hosts alone. */
  bestOf(
    hosts: readonly number[],
    size: Readonly<Resources>,
    mask: ProfileMask,
    excluding: Excluding | null,
  ): number {
    let best = none;
    for (const host of hosts) {
      if (this.#rows.rowOf[host] === none || !hasProfile(mask, this.#profiles[host] as number)) continue;
      if (best !== none && !this.#rows.heaps.before(host, best)) continue;
      if (this.#fits(host, size) && excluding?.excludes(host) !== true) best = host;
    }
    return best;
  }

  /** The better of `best` and the hosts of a cell. */
  #bestOfCell(
    cell: number,
    mask: ProfileMask,
    best: number,
    unsure: Readonly<Resources> | null,
    excluding: Excluding | null,
  ): number {
    const { present, words, tops, heaps } = this.#rows;
    let found = best;
    for (let word = 0; word < words; word += 1) {
      let bits = (present[cell * words + word] as number) & (mask[word] as number);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const row = this.#rows.row(cell, word * 32 + bit);
        if (found !== none && (tops[row] as number) > (this.#scores[found] as number)) continue;
        if (unsure !== null || excluding !== null) found = this.#search(row, found, unsure, excluding);
        else {
          const top = heaps.top(row);
          if (found === none || heaps.before(top, found)) found = top;
        }
      }
    }
    return found;
  }

  /** The better of `best` and the hosts of a row; what is under a host that is good enough need not be seen. */
  #search(
    row: number,
    best: number,
    unsure: Readonly<Resources> | null,
    excluding: Excluding | null,
  ): number {
    const { heaps } = this.#rows;
    const { members } = heaps;
    const start = heaps.starts[row] as number;
    const length = heaps.lengths[row] as number;
    const stack = this.#stack;
    let found = best;
    let depth = 0;
    stack[depth++] = 0;
    while (depth > 0) {
      const place = stack[--depth] as number;
      this.#looked += 1;
      const host = members[start + place] as number;
      if (found !== none && !heaps.before(host, found)) continue;
      if ((unsure === null || this.#fits(host, unsure)) && excluding?.excludes(host) !== true) found = host;
      else {
        const child = 2 * place + 1;
        if (child + 1 < length) stack[depth++] = child + 1;
        if (child < length) stack[depth++] = child;
      }
    }
    return found;
  }

  #fits(host: number, size: Readonly<Resources>): boolean {
    const { freeVcpus, freeMemoryMib, freeDiskMib } = this.#free;
    return (
      (freeVcpus[host] as number) >= size.vcpus &&
      (freeMemoryMib[host] as number) >= size.memoryMib &&
      (freeDiskMib[host] as number) >= size.diskMib
    );
  }

  /** Cuts the ranks anew when hosts had to be looked at one by one, and is slower to do so each time. */
  #reconsider(): void {
    const often = this.#looked > this.#asked;
    this.#asked = 0;
    this.#looked = 0;
    if (!often) return;
    const cuts = this.#sample.cuts(this.#roomForCuts());
    this.#watch = Math.min(this.#watch * 2, longestWatch);
    if (sameCuts(cuts, this.#grid.cuts)) return;
    const grid = new Grid(cuts, this.#scorer);
    this.#next = { grid, rows: this.#layOut(grid), hosts: 0 };
  }

  /** Some hosts more; with the last of them the new cuts count. */
  #takeOver(next: Next): void {
    const until = Math.min(this.#hosts, next.hosts + this.takenOverAtOnce);
    for (; next.hosts < until; next.hosts += 1) {
      if (this.#rows.rowOf[next.hosts] !== none) this.#put(next.hosts, next.grid, next.rows);
    }
    if (until < this.#hosts) return;
    this.#grid = next.grid;
    this.#rows = next.rows;
    this.#next = null;
  }

  /** All at once: there is no room for another profile in what there is. */
  #rebuild(cuts: GridCuts): void {
    const limits = this.#roomForCuts();
    const fewer =
      cuts.vcpus.at.length > limits.vcpus ||
      cuts.memoryMib.at.length > limits.memoryMib ||
      cuts.diskMib.at.length > limits.diskMib;
    this.#next = null;
    this.#grid = new Grid(fewer ? firstCuts(limits) : cuts, this.#scorer);
    this.#rows = this.#layOut(this.#grid);
    for (let host = 0; host < this.#hosts; host += 1) this.update(host);
  }

  /** Empty rows. */
  #layOut(grid: Grid): Rows {
    return new Rows(grid.cells, this.#profileRoom, Math.ceil(this.#profileRoom / 32), this.#keys());
  }

  /** About two rows a host, so that the index stays as large as what it is an index of. */
  #roomForCuts(): CutLimits {
    return cutLimits(Math.max(2 ** 14, 2 * this.#hosts) / this.#profileRoom);
  }

  #keys() {
    return { scores: this.#scores, labels: this.#order.labels };
  }

  #grow(): void {
    const length = this.#scores.length * 2;
    const scores = new Float64Array(length);
    scores.set(this.#scores);
    this.#scores = scores;
    const profiles = new Int32Array(length).fill(none);
    profiles.set(this.#profiles);
    this.#profiles = profiles;
    this.#rows.useKeys(this.#keys());
    this.#next?.rows.useKeys(this.#keys());
  }

  /** How much memory the index takes, besides the order and the columns that it is an index of. */
  get bytes(): number {
    const next = this.#next?.rows.bytes ?? 0;
    return this.#scores.byteLength + this.#profiles.byteLength + this.#rows.bytes + next;
  }
}

function sameCuts(one: GridCuts, other: GridCuts): boolean {
  return (
    one.vcpus.equals(other.vcpus) &&
    one.memoryMib.equals(other.memoryMib) &&
    one.diskMib.equals(other.diskMib)
  );
}
