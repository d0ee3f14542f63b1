/** What accounting had come to where a file's rows begin, in parts with checksums. */
import type Database from 'better-sqlite3';
import { rowSum } from '../sums.js';
import { brokenOpening } from '../chain-check.js';
import { damaged } from '../damage.js';

/**
 * The parts that stand in a store or a segment.
 *
 * @throws StoreError when one is not as it was written.
 */
export function* openingText(file: string, db: Database.Database): Generator<string> {
  const rows = db.prepare<[], { part: number; body: string; sum: number }>(
    'SELECT * FROM opening ORDER BY part',
  );
  for (const { part, body, sum } of rows.iterate()) {
    if (sum !== rowSum(part, body)) throw damaged(file, brokenOpening(part));
    yield body;
  }
}

/** Takes the place of the parts that are there. */
export function replaceOpening(db: Database.Database, text: Iterable<string>): void {
  db.exec('DELETE FROM opening');
  const add = db.prepare('INSERT INTO opening VALUES (?, ?, ?)');
  let part = 0;
  for (const body of text) {
    part += 1;
    add.run(part, body, rowSum(part, body));
  }
}
