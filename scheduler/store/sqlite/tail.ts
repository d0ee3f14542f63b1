/** The end of a journal, which is hashed again at every start: what is served follows from it. */
import type Database from 'better-sqlite3';
import type { JournalHead } from '../store.js';
import { type Base, headOf } from './archive/segments.js';
import { brokenChain, follows, type JournalRow, rowColumns } from './rows.js';

/** How many batches at the end are hashed again in any case. So many are never archived. */
export const verifiedTail = 1000;

/**
 * Hashes again the last batches, and those that the entities, which are of sequence `saved`, do not have yet. A batch at a
 * time, since a thousand of them can be large. `base` is where the journal begins.
 */
export function verifyTail(
  db: Database.Database,
  saved: number,
  base: Base,
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
    const anchors = before === null && row.first > base.last + 1 && tail.length > verifiedTail;
    if (!anchors && !follows(before ?? base, row)) onBroken(brokenChain(row));
    before = row;
  }
  const head =
    before === null
      ? { ...headOf(base), lastMs: base.atMs }
      : { sequence: before.last, hash: before.hash, lastMs: before.at_ms };
  if (saved > head.sequence) onBroken(cutJournal(saved, head.sequence));
  if (saved < base.last) onBroken(cutTooFar(saved, base.last));
  return head;
}

export function cutTooFar(saved: number, base: number): string {
  return `the entities are of sequence ${saved}, and decisions up to ${base} were archived`;
}

export function cutJournal(saved: number, end: number): string {
  return `the entities are of sequence ${saved}, and the journal ends at ${end}`;
}
