/** Journals on disk, for tests: decisions as batches of a SQLite store, some of them together. */
import Database from 'better-sqlite3';
import { chainHash, chainStart } from '../../../scheduler/store/sqlite/chain.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { type Decision, textOf } from '../core/accounting/journal-history.js';

/** Batches by sequence, with their hashes in hexadecimal. */
export type Batches = { first: number; last: number; hash: string }[];

/** Makes a file of these decisions, so many in a batch. */
export async function writeJournal(
  file: string,
  decisions: readonly Decision[],
  together: number,
): Promise<Batches> {
  await new SqliteStore(file).close();
  const batches: Batches = [];
  const db = new Database(file);
  const insert = db.prepare(
    'INSERT INTO journal (first, last, at_ms, body, hash) VALUES (?, ?, ?, CAST(? AS TEXT), ?)',
  );
  let hash = chainStart;
  db.transaction(() => {
    for (let from = 0; from < decisions.length; from += together) {
      const batch = decisions.slice(from, from + together);
      const body = textOf(batch);
      const last = from + batch.length;
      hash = chainHash(hash, from + 1, last, body);
      insert.run(from + 1, last, batch.at(-1)?.[0], body, hash);
      batches.push({ first: from + 1, last, hash: hash.toString('hex') });
    }
  })();
  db.close();
  return batches;
}
