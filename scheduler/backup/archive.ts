/**
 * Archives the beginning of a stopped scheduler's journal: what was decided before a moment goes into a file of its own, and all
 * that reads the journal finds it there. What accounting has come to by then stays with the store, so that later months
 * can be settled when the file is elsewhere.
 */
import { statSync } from 'node:fs';
import { Fold } from '../core/accounting/fold.js';
import { readJournal } from '../core/accounting/journal-text.js';
import { ledgerOf, openingOf } from '../core/accounting/opening.js';
import { takeOut } from '../store/sqlite/archive/cut.js';
import { planFor } from '../store/sqlite/archive/plan.js';
import { segmentFile } from '../store/sqlite/archive/segment-file.js';
import { archiveOf } from '../store/sqlite/archive/segments.js';
import { lockFor } from '../store/sqlite/lock.js';
import { SqliteJournal } from '../store/sqlite/sqlite-journal.js';
import { StoreError } from '../store/store.js';
import { BackupError, inWords } from './backup-error.js';
import { newestStoreIn } from './newest-store.js';
import type { Drive } from './restore.js';
import { makeSegment, removeIfEmpty } from './segment.js';

export interface Archived {
  dataDir: string;
  /** Null when there was nothing to archive. */
  moved: {
    /** Where it went, or would go. */
    file: string;
    /** Sequences of the decisions. */
    first: number;
    last: number;
    rows: number;
    /** Of the file; before it is there, about as many. */
    bytes: number;
    /** When the last of it was committed. */
    toMs: number;
  } | null;
  /** What became of the room in the store, in bytes; null when nothing was done. */
  room: { given: number; free: number } | null;
  /** Whether it was done, and not only looked at. */
  done: boolean;
}

/** @throws BackupError or StoreError when it cannot be done, and nothing was; the message is a whole sentence. */
export async function archive(
  dataDir: string,
  { beforeMs, dryRun }: { beforeMs: number; dryRun: boolean },
  drive: Drive,
): Promise<Archived> {
  const file = newestStoreIn(dataDir);
  const lock = lockFor(file);
  let bytes = 0;
  try {
    const plan = planFor(file, beforeMs);
    if (plan === null) return { dataDir, moved: null, room: null, done: false };
    const to = segmentFile(file, plan);
    if (dryRun) return { dataDir, moved: { ...plan, file: to }, room: null, done: false };
    bytes = plan.bytes;
    const opening = await drive(openingAfter(file, plan.last));
    const segment = await drive(makeSegment(file, plan));
    // From here on a signal cannot undo it.
    const room = takeOut(file, segment, opening);
    const moved = { ...plan, file: to, bytes: statSync(to).size };
    return { dataDir, moved, room, done: true };
  } catch (error) {
    removeIfEmpty(archiveOf(file));
    throw inWords(error, `cannot archive from ${file}`, bytes);
  } finally {
    lock.close();
  }
}

/** What accounting has come to after a decision, with a pause after each piece that is read. */
function* openingAfter(file: string, last: number): Generator<void, string[]> {
  const journal = new SqliteJournal(file);
  try {
    const before = journal.openingAt(Number.POSITIVE_INFINITY);
    const fold = before === null ? new Fold(() => {}) : new Fold(() => {}, ledgerOf(before.text));
    for (const { text } of journal.pieces(last, before?.sequence ?? 0)) {
      readJournal(text, {
        decision: () => true,
        change: (change, atMs) => fold.apply(change, atMs),
      });
      yield;
    }
    return [...openingOf(fold.ledger)];
  } catch (error) {
    if (error instanceof StoreError || error instanceof BackupError) throw error;
    throw new BackupError(
      `cannot archive from ${file}, because accounting cannot read it: ${(error as Error).message}`,
    );
  } finally {
    journal.close();
  }
}
