/**
 * A hot copy of a store in one file. The writer never waits for a reader, but one that stays keeps the writer's log from
 * being folded into the file, and the log grows. So the large tables are copied a few megabytes in a transaction: the
 * journal, of which nothing changes, and VMs and operations, which may change meanwhile. One last transaction has all of one
 * moment: it compares these, copies again what has changed, and takes the rest.
 *
 * What must not be lost beside the store (keys, certificates) goes into a table of the copy.
 */
import { fdatasyncSync } from 'node:fs';
import Database from 'better-sqlite3';
import { backupId, refuseNewer, schemaOf } from './schema.js';
import { fileSum } from './sums.js';

/** Files of the data folder, by their paths in it. */
export type KeptFiles = ReadonlyMap<string, Buffer>;

export interface Copying {
  /** The store's file. */
  from: string;
  /** An empty file, which becomes the copy; the descriptor stays the caller's. */
  to: string;
  descriptor: number;
  /** Called when the store is copied. */
  files(): KeptFiles;
  atMs: number;
  version: string;
}

const largeTables = ['vm', 'operation'] as const;

/** So many bytes of journal, or rows of another table, are copied at once. */
const bytesAtOnce = 8 * 2 ** 20;
const journalRowsAtOnce = 4096;
const rowsAtOnce = 10_000;
/** So much is handed to the disk at once; all of it at the end would hold up whoever else waits for that disk. */
const unsyncedBytes = 64 * 2 ** 20;

/** Copies, with a pause after each piece. */
export function* copyStore(copying: Copying): Generator<void> {
  const { from, to } = copying;
  const db = new Database(to);
  try {
    // If it dies the file is worth nothing, so it needs no journal; whoever calls syncs it.
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.prepare('ATTACH ? AS live').run(from);
    const schema = schemaOf(db, 'live');
    refuseNewer(from, schema);
    db.pragma(`page_size = ${db.pragma('live.page_size', { simple: true })}`);
    for (const sql of definitions(db)) db.exec(sql);
    const journal = new JournalCopy(db, copying.descriptor);
    // Until a piece has all that there was: a busy writer always has a little more.
    while (journal.next() === 'more') yield;
    for (const table of largeTables) yield* copyRows(db, table);
    db.exec('BEGIN');
    if (schemaOf(db, 'live') !== schema) throw new Error(`${from} was migrated meanwhile; say it again`);
    while (journal.next() === 'more') yield;
    yield* copyTables(db);
    db.exec('COMMIT');
    addFiles(db, copying);
    db.pragma(`user_version = ${schema}`);
    db.pragma(`application_id = ${backupId}`);
  } finally {
    db.close();
  }
}

function definitions(db: Database.Database): string[] {
  return db.prepare<[], string>('SELECT sql FROM live.sqlite_schema WHERE sql IS NOT NULL').pluck().all();
}

class JournalCopy {
  readonly #sizes: Database.Statement<[number], { last: number; bytes: number }>;
  readonly #copy: Database.Statement<[number, number]>;
  #reached = 0;
  #unsynced = 0;

  constructor(
    db: Database.Database,
    private readonly descriptor: number,
  ) {
    // How long rows are is known from their heads, without reading what is in them.
    this.#sizes = db.prepare(
      `SELECT last, octet_length(body) AS bytes FROM live.journal WHERE last > ? ORDER BY last LIMIT ${journalRowsAtOnce}`,
    );
    this.#copy = db.prepare(
      'INSERT INTO main.journal SELECT * FROM live.journal WHERE last > ? AND last <= ? ORDER BY last',
    );
  }

  /** Copies a piece, and says whether there was more. */
  next(): 'more' | 'all' {
    const rows = this.#sizes.all(this.#reached);
    let [taken, bytes] = [0, 0];
    for (const row of rows) {
      if (taken > 0 && bytes + row.bytes > bytesAtOnce) break;
      taken += 1;
      bytes += row.bytes;
    }
    const last = rows[taken - 1]?.last;
    if (last === undefined) return 'all';
    this.#copy.run(this.#reached, last);
    this.#reached = last;
    this.#unsynced += bytes;
    if (this.#unsynced > unsyncedBytes) {
      fdatasyncSync(this.descriptor);
      this.#unsynced = 0;
    }
    return taken < rows.length || rows.length === journalRowsAtOnce ? 'more' : 'all';
  }
}

/** Every table but the journal, as of now. */
function* copyTables(db: Database.Database): Generator<void> {
  for (const table of largeTables) {
    db.exec(`DELETE FROM main.${table} WHERE row NOT IN (SELECT row FROM live.${table})`);
    yield;
    yield* copyRows(db, table);
  }
  const names = db.prepare<[], string>("SELECT name FROM live.sqlite_schema WHERE type = 'table'").pluck();
  const copied = new Set<string>(['journal', ...largeTables]);
  for (const name of names.all()) {
    if (!copied.has(name)) db.exec(`INSERT INTO main.${name} SELECT * FROM live.${name}`);
    yield;
  }
}

/** Rows that are not in the copy as they are; of those that are made meanwhile none. */
function* copyRows(db: Database.Database, table: string): Generator<void> {
  const end = db.prepare<[], number | null>(`SELECT max(row) FROM live.${table}`).pluck().get() ?? 0;
  const next = db
    .prepare<[number, number], number | null>(
      `SELECT max(row) FROM (
         SELECT row FROM live.${table} WHERE row > ? AND row <= ? ORDER BY row LIMIT ${rowsAtOnce}
       )`,
    )
    .pluck();
  const copy = db.prepare<[number, number]>(
    `REPLACE INTO main.${table}
     SELECT now.* FROM live.${table} AS now LEFT JOIN main.${table} AS copied ON copied.row = now.row
     WHERE now.row > ? AND now.row <= ? AND copied.body IS NOT now.body ORDER BY now.row`,
  );
  for (let reached = Number.NEGATIVE_INFINITY; ; ) {
    const last = next.get(reached, end) ?? null;
    if (last === null) return;
    copy.run(reached, last);
    reached = last;
    yield;
  }
}

function addFiles(db: Database.Database, { files, atMs, version }: Copying): void {
  db.exec(`
    CREATE TABLE backup_about (at_ms INTEGER NOT NULL, version TEXT NOT NULL);
    CREATE TABLE backup_file (path TEXT PRIMARY KEY, content BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
  `);
  db.prepare('INSERT INTO backup_about VALUES (?, ?)').run(atMs, version);
  const add = db.prepare('INSERT INTO backup_file VALUES (?, ?, ?)');
  for (const [path, content] of files()) add.run(path, content, fileSum(path, content));
}
