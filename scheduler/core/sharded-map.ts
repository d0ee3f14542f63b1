/**
 * A map in many small maps. One `Map` of a million entries stops the world for a tenth of a second when it grows;
 * 1,024 of a thousand do not.
 */
const shardCount = 1024;
const hashedUnits = 8;

export class ShardedMap<V> {
  /** Made when they are first written to: most administrations have few VMs. */
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
    return this.#shard(shardOf(key))?.get(key);
  }

  has(key: string): boolean {
    return this.#shard(shardOf(key))?.has(key) === true;
  }

  set(value: V): void {
    const key = this.#keyOf(value);
    const at = shardOf(key);
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
   * As `set` of each, of values with different keys, into an empty map. A start finds them by the million and is asked for
   * few of them right away, so each small map is made when it is first asked, in a fraction of a millisecond.
   */
  found(values: readonly V[]): void {
    if (this.#size > 0) throw new Error('only an empty map takes in what was found');
    if (values.length < shardCount) {
      for (const value of values) this.set(value);
      return;
    }
    this.#found = sorted(values, this.#keyOf);
    this.#size = values.length;
  }

  delete(key: string): boolean {
    const deleted = this.#shard(shardOf(key))?.delete(key) === true;
    if (deleted) this.#size -= 1;
    return deleted;
  }

  *values(): IterableIterator<V> {
    for (let at = 0; at < shardCount; at += 1) {
      const shard = this.#shard(at);
      if (shard !== undefined) yield* shard.values();
    }
  }

  #shard(at: number): Map<string, V> | undefined {
    if (this.#found !== null) this.#make(at, this.#found);
    return this.#shards[at];
  }

  /** Makes the small map of what was found of it. */
  #make(at: number, found: Found<V>): void {
    const { values, order, ends } = found;
    const first = at === 0 ? 0 : (ends[at - 1] as number);
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
  /** Where in `order` those of each small map end. */
  ends: Int32Array;
  left: number;
}

function sorted<V>(values: readonly V[], keyOf: (value: V) => string): Found<V> {
  const shards = new Uint16Array(values.length);
  const ends = new Int32Array(shardCount);
  for (let index = 0; index < values.length; index += 1) {
    const shard = shardOf(keyOf(values[index] as V));
    shards[index] = shard;
    if (shard + 1 < shardCount) ends[shard + 1] = (ends[shard + 1] as number) + 1;
  }
  for (let shard = 1; shard < shardCount; shard += 1)
    ends[shard] = (ends[shard] as number) + (ends[shard - 1] as number);
  const order = new Int32Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const shard = shards[index] as number;
    order[ends[shard] as number] = index;
    ends[shard] = (ends[shard] as number) + 1;
  }
  return { values: values.slice(), order, ends, left: values.length };
}

/** FNV-1a over the last UTF-16 units: the end is where uuids and names alike differ from one another. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, key.length - hashedUnits); i < key.length; i += 1) {
    hash ^= key.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 7) & (shardCount - 1);
}
