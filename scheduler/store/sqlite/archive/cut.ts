/** Takes rows out of a store that a segment has, and gives their room back. Nobody else has the store meanwhile. */
import Database from 'better-sqlite3';
import { StoreError } from '../../store.js';
import { damaged } from '../damage.js';
import { brokenChain, follows, type JournalRow, rowColumns } from '../rows.js';
import { removeLeftovers } from './leftovers.js';
import { replaceOpening } from './opening-table.js';
import { addSegment, type Segment } from './segments.js';

/**
 * Takes out of a store what a file of its archive has, all of it or with an error nothing.
 *
 * @throws Error when it cannot be done. If that was for want of room the file is gone again: the store still has its rows.
 */
export function takeOut(storeFile: string, segment: Segment, opening: readonly string[]): Room {
  const db = new Database(storeFile, { fileMustExist: true });
  try {
    cut(db, segment, opening);
    return giveBack(db);
  } catch (error) {
    if ((error as Error & { code?: string }).code === 'SQLITE_FULL') removeLeftovers(storeFile, db);
    throw error;
  } finally {
    db.close();
  }
}

/**
 * In one transaction: from then on the store's journal begins after the segment.
 *
 * @throws StoreError when the rest does not follow it.
 */
function cut(db: Database.Database, segment: Segment, opening: readonly string[]): void {
  const { last } = segment;
  const next = db
    .prepare<[number], JournalRow>(`SELECT ${rowColumns} FROM journal WHERE last > ? ORDER BY last LIMIT 1`)
    .get(last);
  if (next === undefined) throw new StoreError('nothing of the journal would be left');
  if (!follows(segment, next)) throw damaged(db.name, brokenChain(next));
  db.pragma('synchronous = FULL');
  db.transaction(() => {
    addSegment(db, segment);
    replaceOpening(db, opening);
    db.prepare('DELETE FROM journal WHERE last <= ?').run(last);
    db.prepare('DELETE FROM checkpoint WHERE sequence <= ?').run(last);
  }).immediate();
}

/** A store of which so many hundredths are free is made smaller; less than that is soon written to again. */
const muchFreePercent = 25;

export interface Room {
  /** Bytes by which the file became smaller. */
  given: number;
  /** Bytes in it that are free. */
  free: number;
}

/**
 * Makes the file smaller, where that is worth it. All that is left is copied twice, to a file of its own and back, so
 * it takes as long and as much room for that time as twice the rest; a crash leaves the file as it was.
 */
function giveBack(db: Database.Database): Room {
  const pages = () => db.pragma('page_count', { simple: true }) as number;
  const free = () => db.pragma('freelist_count', { simple: true }) as number;
  const pageBytes = db.pragma('page_size', { simple: true }) as number;
  const before = pages();
  try {
    if (free() * 100 >= before * muchFreePercent) db.exec('VACUUM');
    db.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // What is free stays in the file, and is written to again.
    if ((error as Error & { code?: string }).code !== 'SQLITE_FULL') throw error;
  }
  return { given: (before - pages()) * pageBytes, free: free() * pageBytes };
}

/** SQLite's own temporary files go there; it has to be said before the first file is opened. */
export function keepTemporaryFilesIn(folder: string): void {
  process.env['SQLITE_TMPDIR'] ??= folder;
}
