/**
 * The entities on disk follow the journal at a distance: a commit writes the journal alone, and what it changed is saved
 * later, together with what others have changed since. A VM that is made, prepared, started and seen running within a
 * second is saved once instead of four times. The tables always are as the state was at one sequence, which stands beside
 * them; a start takes them, and then the decisions that the journal has after it. Each row has a checksum, and a stamp over
 * all of them tells rows that are missing.
 */
import type Database from 'better-sqlite3';
import type { EntityKind } from '../../core/touched.js';
import { type EntityRow, isKeptByRow } from '../store.js';
import { Meta } from './meta.js';
import {
  type EntitiesStamp,
  emptyStamp,
  entitiesStamp,
  entitySum,
  restamp,
  rowSum,
  type TableStamp,
} from './sums.js';

/** The key in `meta` of the sequence that the entities are of. */
export const savedSequence = 'entities_of_sequence';

/** So many changed entities are saved at once: it takes about 3 ms, in which commits wait, and more together are hardly cheaper. */
const manyChanged = 512;

export class EntityTables {
  readonly #db: Database.Database;
  readonly #meta: Meta;
  readonly #sum: Database.Statement<[string, string], number>;
  readonly #put: Database.Statement;
  readonly #remove: Database.Statement;
  readonly #rows: Record<'vm' | 'operation', RowTable>;
  readonly #stamp: EntitiesStamp;
  /** By kind and key: the newest body, or null for one that is gone. */
  readonly #changed = new Map<string, { kind: EntityKind; key: string; body: Buffer | null }>();

  constructor(db: Database.Database) {
    this.#db = db;
    this.#meta = new Meta(db);
    this.#stamp = JSON.parse(this.#meta.get(entitiesStamp) ?? JSON.stringify(emptyStamp()));
    this.#sum = db
      .prepare<[string, string], number>('SELECT sum FROM entity WHERE kind = ? AND key = ?')
      .pluck();
    // Texts come as bytes, and stay texts in the file.
    this.#put = db.prepare(
      `INSERT INTO entity VALUES (?, ?, CAST(? AS TEXT), ?)
       ON CONFLICT DO UPDATE SET body = excluded.body, sum = excluded.sum`,
    );
    this.#remove = db.prepare('DELETE FROM entity WHERE kind = ? AND key = ?');
    this.#rows = {
      vm: new RowTable(db, 'vm', this.#stamp.vm),
      operation: new RowTable(db, 'operation', this.#stamp.operation),
    };
  }

  /** Notes what an entity has become; the body is kept until it is saved. */
  put(kind: EntityKind, key: string, row: number, body: Buffer): void {
    if (isKeptByRow(kind)) this.#rows[kind].changed.set(row, body);
    else this.#changed.set(`${kind}/${key}`, { kind, key, body });
  }

  remove({ kind, key, row }: EntityRow): void {
    if (isKeptByRow(kind)) this.#rows[kind].changed.set(row, null);
    else this.#changed.set(`${kind}/${key}`, { kind, key, body: null });
  }

  get behind(): boolean {
    return this.#count > 0;
  }

  get farBehind(): boolean {
    return this.#count >= manyChanged;
  }

  /** Brings the tables up to this sequence, which the journal has on disk. */
  save(sequence: number): void {
    this.#db
      .transaction(() => {
        for (const { kind, key, body } of this.#changed.values()) this.#write(kind, key, body);
        this.#rows.vm.save();
        this.#rows.operation.save();
        this.#meta.set(savedSequence, String(sequence));
        this.#meta.set(entitiesStamp, JSON.stringify(this.#stamp));
      })
      .immediate();
    this.#changed.clear();
    this.#rows.vm.changed.clear();
    this.#rows.operation.changed.clear();
  }

  #write(kind: EntityKind, key: string, body: Buffer | null): void {
    const sum = body === null ? null : entitySum(kind, key, body);
    restamp(this.#stamp.entity, this.#sum.get(kind, key) ?? null, sum);
    if (body === null) this.#remove.run(kind, key);
    else this.#put.run(kind, key, body, sum);
  }

  get #count(): number {
    return this.#changed.size + this.#rows.vm.changed.size + this.#rows.operation.changed.size;
  }
}

/** A table of one kind, in the order of creation: a random key would touch a page of its own for every row. */
class RowTable {
  readonly changed = new Map<number, Buffer | null>();
  readonly #stamp: TableStamp;
  readonly #sum: Database.Statement<[number], number>;
  readonly #put: Database.Statement;
  readonly #remove: Database.Statement;
  /** The highest row there is, or was: what is above it is new, and need not be looked for. */
  #newest: number;

  constructor(db: Database.Database, table: 'vm' | 'operation', stamp: TableStamp) {
    this.#stamp = stamp;
    this.#sum = db.prepare<[number], number>(`SELECT sum FROM ${table} WHERE row = ?`).pluck();
    this.#put = db.prepare(
      `INSERT INTO ${table} VALUES (?, CAST(? AS TEXT), ?)
       ON CONFLICT DO UPDATE SET body = excluded.body, sum = excluded.sum`,
    );
    this.#remove = db.prepare(`DELETE FROM ${table} WHERE row = ?`);
    this.#newest = db.prepare<[], number | null>(`SELECT max(row) FROM ${table}`).pluck().get() ?? 0;
  }

  save(): void {
    for (const [row, body] of this.changed) {
      const sum = body === null ? null : rowSum(row, body);
      const before = row > this.#newest ? null : (this.#sum.get(row) ?? null);
      restamp(this.#stamp, before, sum);
      if (body === null) this.#remove.run(row);
      else this.#put.run(row, body, sum);
      this.#newest = Math.max(this.#newest, row);
    }
  }
}
