/** What was written since the last commit, so that the store can save just that, and watchers hear of just that. */
import type { Administration, Federation, Host, Image, Operation, Site, StoragePool, Vm } from './model.js';

export interface Entities {
  federation: Federation;
  site: Site;
  administration: Administration;
  image: Image;
  pool: StoragePool;
  host: Host;
  vm: Vm;
  operation: Operation;
}

export type EntityKind = keyof Entities;

export const entityKinds: readonly EntityKind[] = [
  'federation',
  'site',
  'administration',
  'image',
  'pool',
  'host',
  'vm',
  'operation',
];

type ByKind = { [K in EntityKind]: Map<string, Entities[K]> };

function byKind(): ByKind {
  return {
    federation: new Map(),
    site: new Map(),
    administration: new Map(),
    image: new Map(),
    pool: new Map(),
    host: new Map(),
    vm: new Map(),
    operation: new Map(),
  };
}

/** Entities written or removed since the last commit, by kind and key; a removed one leaves its last version. */
export class Touched {
  readonly written: ByKind = byKind();
  readonly removed: ByKind = byKind();

  /** Entities that are as they were when they were made, with the JSON that their change carried. */
  readonly #made = new Map<object, string>();

  /** Notes an entity that a change has made, and the JSON of it that is already at hand. */
  made(entity: object, json: string): void {
    this.#made.set(entity, json);
  }

  /** The entity as JSON. */
  jsonOf(entity: object): string {
    return this.#made.get(entity) ?? JSON.stringify(entity);
  }

  write<K extends EntityKind>(kind: K, key: string, entity: Entities[K]): void {
    if (this.written[kind].has(key)) this.#made.delete(entity);
    this.removed[kind].delete(key);
    this.written[kind].set(key, entity);
  }

  remove<K extends EntityKind>(kind: K, key: string, last: Entities[K]): void {
    this.written[kind].delete(key);
    this.removed[kind].set(key, last);
  }
}
