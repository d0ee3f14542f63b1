/**
 * Many small binary heaps of hosts in one array. The lowest score is on top, and of equal scores the lowest id.
 * Adding, removing and moving make no garbage; the array grows only when the hosts do.
 */

/** What the heaps sort by, by host row. */
export interface Keys {
  scores: Float64Array;
  labels: Float64Array;
}

const smallestBlock = 2;
const none = -1;

export class Heaps {
  /** The blocks of all heaps. */
  members: Int32Array;
  /** Where a heap's block begins, by heap. */
  starts: Int32Array;
  lengths: Int32Array;
  /** The size of a heap's block is 2 to this, or there is no block when it is 0. */
  readonly #blockBits: Uint8Array;
  /** Where a host is in its heap, by host row; -1 for one that is in none. */
  #places: Int32Array;
  #keys: Keys;
  #end = 0;
  /** Blocks that were given back, by size: the first of each, which holds the next. */
  readonly #freeBlocks = new Int32Array(32).fill(none);

  constructor(heaps: number, hosts: number, keys: Keys) {
    this.starts = new Int32Array(heaps);
    this.lengths = new Int32Array(heaps);
    this.#blockBits = new Uint8Array(heaps);
    this.members = new Int32Array(Math.max(64, hosts * 2));
    this.#places = new Int32Array(Math.max(64, hosts)).fill(none);
    this.#keys = keys;
  }

  get bytes(): number {
    const { members, starts, lengths } = this;
    return (
      members.byteLength +
      starts.byteLength +
      lengths.byteLength +
      this.#blockBits.byteLength +
      this.#places.byteLength
    );
  }

  /** To be called when the arrays of the keys were replaced by longer ones. */
  useKeys(keys: Keys): void {
    this.#keys = keys;
    if (keys.scores.length <= this.#places.length) return;
    const places = new Int32Array(keys.scores.length).fill(none);
    places.set(this.#places);
    this.#places = places;
  }

  /** The first host of a heap, which must not be empty. */
  top(heap: number): number {
    return this.members[this.starts[heap] as number] as number;
  }

  add(heap: number, host: number): void {
    const length = this.lengths[heap] as number;
    if (length === this.#room(heap)) this.#resize(heap, Math.max(smallestBlock, length * 2));
    this.lengths[heap] = length + 1;
    this.#rise(this.starts[heap] as number, length, host);
  }

  remove(heap: number, host: number): void {
    const start = this.starts[heap] as number;
    const length = (this.lengths[heap] as number) - 1;
    const place = this.#places[host] as number;
    this.lengths[heap] = length;
    this.#places[host] = none;
    if (place < length) this.#settle(start, length, place, this.members[start + length] as number);
    if (length === 0) this.#resize(heap, 0);
    else if (length * 4 <= this.#room(heap) && length >= smallestBlock) this.#resize(heap, length * 2);
  }

  /** Puts a host whose score has changed where it belongs now. */
  moved(heap: number, host: number): void {
    this.#settle(
      this.starts[heap] as number,
      this.lengths[heap] as number,
      this.#places[host] as number,
      host,
    );
  }

  /** Whether one host comes before another. */
  before(one: number, other: number): boolean {
    const { scores, labels } = this.#keys;
    const difference = (scores[one] as number) - (scores[other] as number);
    return difference < 0 || (difference === 0 && (labels[one] as number) < (labels[other] as number));
  }

  #settle(start: number, length: number, place: number, host: number): void {
    const parent = (place - 1) >> 1;
    if (place > 0 && this.before(host, this.members[start + parent] as number)) {
      this.#rise(start, place, host);
    } else this.#sink(start, length, place, host);
  }

  #rise(start: number, from: number, host: number): void {
    const { members } = this;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = members[start + parent] as number;
      if (!this.before(host, above)) break;
      members[start + place] = above;
      this.#places[above] = place;
      place = parent;
    }
    members[start + place] = host;
    this.#places[host] = place;
  }

  #sink(start: number, length: number, from: number, host: number): void {
    const { members } = this;
    let place = from;
    for (let child = 2 * place + 1; child < length; child = 2 * place + 1) {
      let below = members[start + child] as number;
      if (child + 1 < length) {
        const right = members[start + child + 1] as number;
        if (this.before(right, below)) {
          below = right;
          child += 1;
        }
      }
      if (!this.before(below, host)) break;
      members[start + place] = below;
      this.#places[below] = place;
      place = child;
    }
    members[start + place] = host;
    this.#places[host] = place;
  }

  #room(heap: number): number {
    const bits = this.#blockBits[heap] as number;
    return bits === 0 ? 0 : 1 << bits;
  }

  /** Moves a heap to a block of at least this size, a power of two for any length that it is called with. */
  #resize(heap: number, size: number): void {
    const oldBits = this.#blockBits[heap] as number;
    const oldStart = this.starts[heap] as number;
    const bits = size === 0 ? 0 : 32 - Math.clz32(size - 1);
    if (bits === oldBits) return;
    if (bits > 0) {
      const start = this.#take(bits);
      this.members.copyWithin(start, oldStart, oldStart + (this.lengths[heap] as number));
      this.starts[heap] = start;
    }
    this.#blockBits[heap] = bits;
    if (oldBits > 0) {
      this.members[oldStart] = this.#freeBlocks[oldBits] as number;
      this.#freeBlocks[oldBits] = oldStart;
    }
  }

  #take(bits: number): number {
    const free = this.#freeBlocks[bits] as number;
    if (free !== none) {
      this.#freeBlocks[bits] = this.members[free] as number;
      return free;
    }
    const start = this.#end;
    this.#end += 1 << bits;
    if (this.#end > this.members.length) {
      const members = new Int32Array(Math.max(this.#end, this.members.length * 2));
      members.set(this.members);
      this.members = members;
    }
    return start;
  }
}
