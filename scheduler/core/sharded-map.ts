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
    const at = shardOf(key);
    let shard = this.#shards[at];
    if (shard === undefined) {
      shard = new Map();
      this.#shards[at] = shard;
    }
    const before = shard.size;
    shard.set(key, value);
    this.#size += shard.size - before;
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
