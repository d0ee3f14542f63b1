/**
 * A map in many small maps. One `Map` of a million entries stops the world for a tenth of a second when it grows;
 * 1,024 of a thousand do not. As long as there are no more than that many entries there is one small map: most
 * administrations have few VMs.
 */
const shardCount = 1024;
const mostInOne = 1024;
const hashedUnits = 8;

export class ShardedMap<V> {
  /** While there are few; then null for ever. */
  #few: Map<string, V> | null = new Map();
  /** Made when they are first written to. */
  readonly #shards: (Map<string, V> | undefined)[] = [];
  readonly #keyOf: (value: V) => string;
  #found: Found<V> | null = null;
  #size = 0;

  /** `keyOf` gives the key under which a value is kept, always the same. */
  constructor(keyOf: (value: V) => string) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    if (this.#few !== null) return this.#few.get(key);
    const hash = hashOf(key);
    const shard = this.#shards[shardOf(hash)];
    if (shard !== undefined || this.#found === null) return shard?.get(key);
    return this.#lookUp(key, hash, this.#found);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(value: V): void {
    const key = this.#keyOf(value);
    if (this.#few !== null) {
      this.#few.set(key, value);
      this.#size = this.#few.size;
      if (this.#size > mostInOne) this.#part(this.#few);
      return;
    }
    const at = shardOf(hashOf(key));
    let shard = this.#shard(at);
    if (shard === undefined) {
      shard = new Map();
      this.#shards[at] = shard;
    }
    const before = shard.size;
    shard.set(key, value);
    this.#size += shard.size - before;
  }

  /**
   * As `set` of each, of values with different keys, into an empty map. A start finds them by the million and is to serve
   * soon, so each small map is made when it is first written to, or by `settling`; until then it is searched.
   */
  found(values: readonly V[]): void {
    if (this.#size > 0) throw new Error('only an empty map takes in what was found');
    if (values.length <= mostInOne) {
      for (const value of values) this.set(value);
      return;
    }
    this.#few = null;
    this.#found = sorted(values, this.#keyOf);
    this.#size = values.length;
  }

  /** Makes the small maps of what was found, one in each step: half a millisecond, for a map of a million entries. */
  *settling(): Generator<void> {
    for (let at = 0; at < shardCount && this.#found !== null; at += 1) {
      this.#make(at, this.#found);
      yield;
    }
  }

  delete(key: string): boolean {
    const deleted = (this.#few ?? this.#shard(shardOf(hashOf(key))))?.delete(key) === true;
    if (deleted) this.#size -= 1;
    return deleted;
  }

  /** In an order that follows from the order in which they came alone, and not from how many there once were. */
  *values(): IterableIterator<V> {
    if (this.#few !== null) {
      const keyed = Array.from(this.#few, ([key, value]) => ({ at: shardOf(hashOf(key)), value }));
      for (const { value } of keyed.sort((one, other) => one.at - other.at)) yield value;
      return;
    }
    for (let at = 0; at < shardCount; at += 1) {
      const shard = this.#shard(at);
      if (shard !== undefined) yield* shard.values();
    }
  }

  /** They are few no more. */
  #part(few: Map<string, V>): void {
    this.#few = null;
    this.#size = 0;
    for (const value of few.values()) this.set(value);
  }

  #shard(at: number): Map<string, V> | undefined {
    if (this.#found !== null) this.#make(at, this.#found);
    return this.#shards[at];
  }

  /** Among what was found of a small map that is not made. */
  #lookUp(key: string, hash: number, { values, order, ends, hashes }: Found<V>): V | undefined {
    const at = shardOf(hash);
    const end = ends[at] as number;
    for (let index = firstOf(at, ends); index < end; index += 1) {
      if (hashes[index] !== hash) continue;
      const value = values[order[index] as number] as V;
      if (this.#keyOf(value) === key) return value;
    }
    return undefined;
  }

  /** Makes the small map of what was found of it. */
  #make(at: number, found: Found<V>): void {
    const { values, order, ends } = found;
    const first = firstOf(at, ends);
    const end = ends[at] as number;
    if (first === end || values[order[first] as number] === null) return;
    const shard = new Map<string, V>();
    for (let index = first; index < end; index += 1) {
      const value = values[order[index] as number] as V;
      shard.set(this.#keyOf(value), value);
      // What is deleted later is not to be kept here.
      values[order[index] as number] = null;
    }
    this.#shards[at] = shard;
    found.left -= shard.size;
    if (found.left === 0) this.#found = null;
  }
}

/** What was found, by the small maps that it belongs in. */
interface Found<V> {
  /** Null where it is in its small map by now. */
  values: (V | null)[];
  /** Places in `values`, those of the first small map first. */
  order: Int32Array;
  /** The hashes of their keys, in the same order. */
  hashes: Int32Array;
  /** Where in `order` those of each small map end. */
  ends: Int32Array;
  left: number;
}

function sorted<V>(values: readonly V[], keyOf: (value: V) => string): Found<V> {
  const unsorted = new Int32Array(values.length);
  const ends = new Int32Array(shardCount);
  for (let index = 0; index < values.length; index += 1) {
    const hash = hashOf(keyOf(values[index] as V));
    unsorted[index] = hash;
    const next = shardOf(hash) + 1;
    if (next < shardCount) ends[next] = (ends[next] as number) + 1;
  }
  for (let shard = 1; shard < shardCount; shard += 1)
    ends[shard] = (ends[shard] as number) + (ends[shard - 1] as number);
  const order = new Int32Array(values.length);
  const hashes = new Int32Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const hash = unsorted[index] as number;
    const shard = shardOf(hash);
    const place = ends[shard] as number;
    order[place] = index;
    hashes[place] = hash;
    ends[shard] = place + 1;
  }
  return { values: values.slice(), order, hashes, ends, left: values.length };
}

function firstOf(at: number, ends: Int32Array): number {
  return at === 0 ? 0 : (ends[at - 1] as number);
}

/** FNV-1a over the last UTF-16 units: the end is where uuids and names alike differ from one another. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = Math.max(0, key.length - hashedUnits); i < key.length; i += 1)
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash;
}

function shardOf(hash: number): number {
  return (hash >>> 7) & (shardCount - 1);
}
