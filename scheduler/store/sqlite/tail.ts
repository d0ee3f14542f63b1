/** The end of a journal, which is hashed again at every start: what is served follows from it. */
import type Database from 'better-sqlite3';
import type { JournalHead } from '../store.js';
import { type Base, headOf } from './archive/segments.js';
import { brokenChain, follows, type JournalRow, rowColumns } from './rows.js';

/** How many batches at the end are hashed again, where they are not too large. So many are never archived. */
export const verifiedTail = 1000;
/** Batches of a busy scheduler have thousands of decisions: when there is so much of them no more are read. */
const verifiedBytes = 16 * 2 ** 20;

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
  const { from, isCut } = endOf(db);
  const oldest = Math.min(from, saved);
  const rows = db.prepare<[number], JournalRow>(
    `SELECT ${rowColumns} FROM journal WHERE last >= ? ORDER BY last`,
  );
  let before: JournalRow | null = null;
  for (const row of rows.iterate(oldest)) {
    // Of a long journal the oldest of these batches only says what the next one is chained to.
    const anchors = before === null && row.first > base.last + 1 && isCut;
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

/** The row from which on the end is hashed again, and whether there are others before it. */
function endOf(db: Database.Database): { from: number; isCut: boolean } {
  // How long rows are is known from their heads, without reading what is in them.
  const newest = db.prepare<[], { last: number; bytes: number }>(
    'SELECT last, octet_length(body) AS bytes FROM journal ORDER BY last DESC',
  );
  let [from, batches, bytes] = [0, 0, 0];
  for (const row of newest.iterate()) {
    from = row.last;
    if (batches === verifiedTail || bytes > verifiedBytes) return { from, isCut: true };
    batches += 1;
    bytes += row.bytes;
  }
  return { from, isCut: false };
}

export function cutTooFar(saved: number, base: number): string {
  return `the entities are of sequence ${saved}, and decisions up to ${base} were archived`;
}

export function cutJournal(saved: number, end: number): string {
  return `the entities are of sequence ${saved}, and the journal ends at ${end}`;
}
