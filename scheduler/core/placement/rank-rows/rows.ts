/**
 * The rows of the index: hosts of one cell and one profile, in a heap by score. It is noted what is on top of each
 * row, which profiles have a host in a cell, and which cells have any, so that a search sees only what is there.
 */
import { Heaps, type Keys } from './heaps.js';

const none = -1;

export class Rows {
  readonly heaps: Heaps;
  /** For each cell the profiles that have a host in it, in words of 32 bits. */
  readonly present: Int32Array;
  /** The cells that have any host, likewise. */
  readonly occupied: Int32Array;
  /** The score on top of each row that has a host. */
  readonly tops: Float64Array;
  /** The row of each host; -1 for one that is in none. */
  rowOf: Int32Array;
  #keys: Keys;

  constructor(
    cells: number,
    /** How many profiles there is room for. */
    readonly profiles: number,
    /** How many words their bits take. */
    readonly words: number,
    keys: Keys,
  ) {
    this.heaps = new Heaps(cells * profiles, keys.scores.length, keys);
    this.tops = new Float64Array(cells * profiles);
    this.present = new Int32Array(cells * words);
    this.occupied = new Int32Array(Math.ceil(cells / 32));
    this.rowOf = new Int32Array(keys.scores.length).fill(none);
    this.#keys = keys;
  }

  get bytes(): number {
    const arrays = [this.present, this.occupied, this.tops, this.rowOf];
    return arrays.reduce((sum, array) => sum + array.byteLength, this.heaps.bytes);
  }

  /** To be called when the arrays of the keys were replaced by longer ones. */
  useKeys(keys: Keys): void {
    const rowOf = new Int32Array(keys.scores.length).fill(none);
    rowOf.set(this.rowOf);
    this.rowOf = rowOf;
    this.#keys = keys;
    this.heaps.useKeys(keys);
  }

  row(cell: number, profile: number): number {
    return cell * this.profiles + profile;
  }

  /** Puts a host, whose new score is in the keys already, where it belongs: in from outside, over from another row, or up or down. */
  put(host: number, cell: number, profile: number): void {
    const row = this.row(cell, profile);
    const { scores } = this.#keys;
    if (row === this.rowOf[host]) {
      this.heaps.moved(row, host);
    } else {
      this.take(host);
      this.heaps.add(row, host);
      this.rowOf[host] = row;
      const word = cell * this.words + (profile >>> 5);
      this.present[word] = (this.present[word] as number) | (1 << (profile & 31));
      this.occupied[cell >>> 5] = (this.occupied[cell >>> 5] as number) | (1 << (cell & 31));
    }
    this.tops[row] = scores[this.heaps.top(row)] as number;
  }

  /** Takes a host out of its row, if it is in one. */
  take(host: number): void {
    const row = this.rowOf[host] as number;
    if (row === none) return;
    this.rowOf[host] = none;
    this.heaps.remove(row, host);
    if (this.heaps.lengths[row] !== 0) {
      this.tops[row] = this.#keys.scores[this.heaps.top(row)] as number;
      return;
    }
    const profile = row % this.profiles;
    const cell = (row - profile) / this.profiles;
    const word = cell * this.words + (profile >>> 5);
    this.present[word] = (this.present[word] as number) & ~(1 << (profile & 31));
    for (let other = 0; other < this.words; other += 1) {
      if (this.present[cell * this.words + other] !== 0) return;
    }
    this.occupied[cell >>> 5] = (this.occupied[cell >>> 5] as number) & ~(1 << (cell & 31));
  }
}
