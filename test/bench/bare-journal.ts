/**
 * The peer of the store: a loop in a process of its own that writes the bytes of a scheduler's journal once more, one
 * record a group as it was, with full sync and nothing else: no entities, answers, checksums or hashes.
 * `bare-journal.js STORE AFTER FILE` takes the groups after a sequence from a store, and appends them to a file that it
 * makes if it has to. It reads before it counts time.
 */
import Database from 'better-sqlite3';
import { foldAlong } from '../../scheduler/store/sqlite/fold.js';

export interface BareResult {
  groups: number;
  bytes: number;
  seconds: number;
}

const [from, after, to] = process.argv.slice(2) as [string, string, string];
const store = new Database(from, { readonly: true, fileMustExist: true });
const groups = store
  .prepare<[number], { last: number; body: Buffer }>(
    'SELECT last, CAST(body AS BLOB) AS body FROM journal WHERE last > ? ORDER BY last',
  )
  .all(Number(after));
const pageBytes = store.pragma('page_size', { simple: true }) as number;
store.close();

const db = new Database(to);
db.pragma(`page_size = ${pageBytes}`);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
// As the scheduler's.
foldAlong(db);
db.exec('CREATE TABLE IF NOT EXISTS journal (last INTEGER PRIMARY KEY, body TEXT NOT NULL)');
const add = db.prepare('INSERT INTO journal VALUES (?, CAST(? AS TEXT))');
const startedMs = performance.now();
for (const { last, body } of groups) add.run(last, body);
const seconds = (performance.now() - startedMs) / 1000;
db.close();
const bytes = groups.reduce((sum, { body }) => sum + body.length, 0);
const result: BareResult = { groups: groups.length, bytes, seconds };
process.stdout.write(`${JSON.stringify(result)}\n`);
