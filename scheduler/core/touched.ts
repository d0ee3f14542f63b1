/** What was written since the last commit, so that the store can save just that, and watchers hear of just that. */
import type { Identity, JoinToken } from './access/model.js';
import type { AuditNumber } from './audit/numbers.js';
import type { Administration, Federation, Host, Image, Operation, Site, StoragePool, Vm } from './model.js';
import type { Agreement, Breach, DataClass, Loan, Partner, Quota, ResidencyRule } from './tenancy/model.js';

export interface Entities {
  federation: Federation;
  site: Site;
  administration: Administration;
  partner: Partner;
  quota: Quota;
  loan: Loan;
  class: DataClass;
  rule: ResidencyRule;
  agreement: Agreement;
  breach: Breach;
  image: Image;
  pool: StoragePool;
  identity: Identity;
  token: JoinToken;
  audit: AuditNumber;
  host: Host;
  vm: Vm;
  operation: Operation;
}

export type EntityKind = keyof Entities;

export const entityKinds: readonly EntityKind[] = [
  'federation',
  'site',
  'administration',
  'partner',
  'quota',
  'loan',
  'class',
  'rule',
  'agreement',
  'breach',
  'image',
  'pool',
  'identity',
  'token',
  'audit',
  'host',
  'vm',
  'operation',
];

type ByKind = { [K in EntityKind]: Map<string, Entities[K]> };

/** A batch touches few kinds: the map of one is made when something of it is noted. */
const none = new Map<string, never>();

function byKind(): ByKind {
  return {
    federation: none,
    site: none,
    administration: none,
    partner: none,
    quota: none,
    loan: none,
    class: none,
    rule: none,
    agreement: none,
    breach: none,
    image: none,
    pool: none,
    identity: none,
    token: none,
    audit: none,
    host: none,
    vm: none,
    operation: none,
  };
}

function note<K extends EntityKind>(all: ByKind, kind: K, key: string, entity: Entities[K]): void {
  let entities: Map<string, Entities[K]> = all[kind];
  if (entities === none) {
    entities = new Map();
    all[kind] = entities as ByKind[K];
  }
  entities.set(key, entity);
}

/** The row in which an entity is kept: that of its creation. 0 for what is kept by its key. */
export function rowOf(entity: object): number {
  return 'createdSequence' in entity ? (entity.createdSequence as number) : 0;
}

/** Entities written or removed since the last commit, by kind. */
export class Touched {
  /** By key. */
  readonly written: ByKind = byKind();
  /**
   * The last version of each, by key, or by its row where it has one: a VM's uid may come again for another VM, when what was
   * deleted is adopted from its host, and the one's removal stands beside what is written of the other.
   */
  readonly removed: ByKind = byKind();

  /** Entities that are as they were when they were made, with the piece of the journal that has them. */
  readonly #made = new Map<object, number>();

  /** Adds an entity that a change makes to the journal's pieces as JSON: when it is to be saved it is there already. */
  made(entity: object, pieces: string[]): void {
    this.#made.set(entity, pieces.length);
    pieces.push(JSON.stringify(entity));
  }

  /** Which of the journal's pieces is an entity as it is now; undefined when none is. */
  pieceOf(entity: object): number | undefined {
    return this.#made.get(entity);
  }

  write<K extends EntityKind>(kind: K, key: string, entity: Entities[K]): void {
    if (this.written[kind].has(key)) this.#made.delete(entity);
    // No row comes again.
    if (rowOf(entity) === 0) this.removed[kind].delete(key);
    note(this.written, kind, key, entity);
  }

  remove<K extends EntityKind>(kind: K, key: string, last: Entities[K]): void {
    this.written[kind].delete(key);
    const row = rowOf(last);
    note(this.removed, kind, row === 0 ? key : `${row}`, last);
  }
}
