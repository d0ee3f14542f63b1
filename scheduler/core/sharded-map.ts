/**
 * A map in many small maps. One `Map` of a million entries stops the world for a tenth of a second when it grows;
 * 1,024 of a thousand do not.
 */
const shardCount = 1024;
const hashedUnits = 8;

export class ShardedMap<V> {
  /** Made when they are first written to: most administrations have few VMs. */
  readonly #shards: (Map<string, V> | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#shards[shardOf(key)]?.has(key) === true;
  }

  set(key: string, value: V): void {
    this.#put(shardOf(key), key, value);
  }

  #put(at: number, key: string, value: V): void {
    let shard = this.#shards[at];
    if (shard === undefined) {
      shard = new Map();
      this.#shards[at] = shard;
    }
    const before = shard.size;
    shard.set(key, value);
    this.#size += shard.size - before;
  }

  /**
   * As `set` of each, one small map after the other: filled in any order, a million entries would find none of them in
   * the processor's cache.
   */
  setAll(values: readonly V[], keyOf: (value: V) => string): void {
    if (values.length < shardCount) {
      for (const value of values) this.set(keyOf(value), value);
      return;
    }
    const keys: string[] = [];
    const shards = new Uint16Array(values.length);
    const ends = new Int32Array(shardCount + 1);
    for (let index = 0; index < values.length; index += 1) {
      const key = keyOf(values[index] as V);
      const shard = shardOf(key);
      keys.push(key);
      shards[index] = shard;
      ends[shard + 1] = (ends[shard + 1] as number) + 1;
    }
    for (let shard = 0; shard < shardCount; shard += 1)
      ends[shard + 1] = (ends[shard + 1] as number) + (ends[shard] as number);
    const sorted = new Int32Array(values.length);
    for (let index = 0; index < values.length; index += 1) {
      const shard = shards[index] as number;
      sorted[ends[shard] as number] = index;
      ends[shard] = (ends[shard] as number) + 1;
    }
    for (const index of sorted) this.#put(shards[index] as number, keys[index] as string, values[index] as V);
  }

  delete(key: string): boolean {
    const deleted = this.#shards[shardOf(key)]?.delete(key) === true;
    if (deleted) this.#size -= 1;
    return deleted;
  }

  *values(): IterableIterator<V> {
    for (const shard of this.#shards) if (shard !== undefined) yield* shard.values();
  }
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
