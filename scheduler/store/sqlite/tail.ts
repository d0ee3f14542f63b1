/** The end of a journal, which is hashed again at every start: what is served follows from it. */
import type Database from 'better-sqlite3';
import type { JournalHead } from '../store.js';
import { chainStart } from './chain.js';
import { brokenChain, follows, type JournalRow, rowColumns } from './rows.js';

/** How many batches at the end are hashed again in any case. */
const verifiedTail = 1000;

/**
 * Hashes again the last batches, and those that the entities, which are of sequence `saved`, do not have yet. A batch at a
 * time, since a thousand of them can be large.
 */
export function verifyTail(
  db: Database.Database,
  saved: number,
  onBroken: (what: string) => never,
): JournalHead & { lastMs: number } {
  const lasts = db.prepare<[number], number>('SELECT last FROM journal ORDER BY last DESC LIMIT ?').pluck();
  const tail = lasts.all(verifiedTail + 1);
  const oldest = Math.min(tail.at(-1) ?? 0, saved);
  const rows = db.prepare<[number], JournalRow>(
    `SELECT ${rowColumns} FROM journal WHERE last >= ? ORDER BY last`,
  );
  let before: JournalRow | null = null;
  for (const row of rows.iterate(oldest)) {
    // Of a long journal the oldest of these batches only says what the next one is chained to.
    const anchors = before === null && row.first > 1 && tail.length > verifiedTail;
    if (!anchors && !follows(before, row)) onBroken(brokenChain(row));
    before = row;
  }
  const head =
    before === null
      ? { sequence: 0, hash: chainStart, lastMs: 0 }
      : { sequence: before.last, hash: before.hash, lastMs: before.at_ms };
  if (saved > head.sequence) onBroken(cutJournal(saved, head.sequence));
  return head;
}

export function cutJournal(saved: number, end: number): string {
  return `the entities are of sequence ${saved}, and the journal ends at ${end}`;
}
