/**
 * A hot copy of a store in one file. The writer never waits for a reader, but one that stays keeps the writer's log from
 * being folded into the file, and the log grows. So the large tables are copied a few megabytes in a transaction: the
 * journal, of which nothing changes, and VMs and operations, which may change meanwhile. One last transaction has all of one
 * moment: it compares these, copies again what has changed, and takes the rest.
 *
 * What must not be lost beside the store (keys, certificates) goes into a table of the copy.
 */
import Database from 'better-sqlite3';
import { StoreError } from '../store.js';
import { JournalCopy } from './journal-copy.js';
import { backupId, refuseNewer, schemaOf, schemaWithArchive } from './schema.js';
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

/** So many rows of a table are copied at once. */
const rowsAtOnce = 10_000;

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
    const begins = liveBase(db, schema);
    const journal = new JournalCopy(db, copying.descriptor);
    // Until a piece has all that there was: a busy writer always has a little more.
    while (journal.next() === 'more') yield;
    for (const table of largeTables) yield* copyRows(db, table);
    db.exec('BEGIN');
    if (schemaOf(db, 'live') !== schema) throw new Error(`${from} was migrated meanwhile; say it again`);
    if (liveBase(db, schema) !== begins) {
      throw new StoreError(`${from} was archived from meanwhile; say it again`);
    }
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

/** The last decision that was archived; its rows are not in the store any more. */
function liveBase(db: Database.Database, schema: number): number {
  if (schema < schemaWithArchive) return 0;
  return db.prepare<[], number | null>('SELECT max(last) FROM live.archived').pluck().get() ?? 0;
}

function definitions(db: Database.Database): string[] {
  return db.prepare<[], string>('SELECT sql FROM live.sqlite_schema WHERE sql IS NOT NULL').pluck().all();
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
