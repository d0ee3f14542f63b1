/** The file of a segment: whether it is there, and is the one that is meant. */
import { accessSync, constants, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { refuse } from '../../../core/refusal.js';
import { JournalArchived, StoreError } from '../../store.js';
import { isSegment, refuseNewer, schemaOf } from '../schema.js';
import { archiveOf, type Segment, segmentName, segmentsIn } from './segments.js';

export function segmentFile(storeFile: string, segment: Pick<Segment, 'first' | 'last'>): string {
  return join(archiveOf(storeFile), segmentName(segment));
}

/**
 * Opens a segment of a store, to be read only. `all` are the store's.
 *
 * @throws JournalArchived when it is not there, or is of another history.
 * @throws StoreError when it cannot be read.
 */
export function openSegment(storeFile: string, all: readonly Segment[], segment: Segment): Database.Database {
  const file = segmentFile(storeFile, segment);
  if (!existsSync(file)) {
    if (isForbidden(file)) throw forbidden(file);
    throw missing(storeFile, all, segment, "is not in the scheduler's data folder");
  }
  const db = openedSegment(file);
  if (isSame(db, segment)) return db;
  db.close();
  throw missing(storeFile, all, segment, "in the scheduler's data folder is of another history");
}

/** @throws StoreError when it cannot be read, or is no segment. */
export function openedSegment(file: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    if (!isSegment(db)) throw new Error('it is no part of a journal');
    refuseNewer(file, schemaOf(db));
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof StoreError) throw error;
    if (isForbidden(file)) throw forbidden(file);
    throw new StoreError(`cannot read ${file}: ${(error as Error).message}; bring back a copy of it`);
  }
}

function isForbidden(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

const forbidden = (file: string) =>
  new StoreError(
    `cannot read ${file}: it, or its folder, is another user's; give both to the one that the scheduler runs as (chown)`,
  );

/** Whether a file has the very decisions that a store has archived: the hash at the end is of all of them. */
export function isSame(db: Database.Database, { first, last, hash }: Segment): boolean {
  const [own] = segmentsIn(db);
  return own?.first === first && own.last === last && own.hash.equals(hash);
}

/** Whether a segment can be read now: where it cannot, only what the store knows of it can be said. */
export function isThere(storeFile: string, segment: Segment): boolean {
  const file = segmentFile(storeFile, segment);
  if (!existsSync(file)) return false;
  try {
    const db = openedSegment(file);
    try {
      return isSame(db, segment);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof StoreError || error instanceof Database.SqliteError) return false;
    throw error;
  }
}

function missing(
  storeFile: string,
  all: readonly Segment[],
  segment: Segment,
  what: string,
): JournalArchived {
  const name = `${basename(archiveOf(storeFile))}/${segmentName(segment)}`;
  const { first, last } = segment;
  const newest = all.findLast((one) => !isThere(storeFile, one)) ?? segment;
  const next = newest.last + 1;
  const from = new Date(newest.toMs).toISOString();
  return new JournalArchived(
    refuse(
      'precondition',
      'JOURNAL_ARCHIVED',
      `decisions ${first} to ${last} were archived, and their file ${name} ${what}; put that file back there, or ask for what came after: from decision ${next} or ${from} on`,
      { file: name, first: `${first}`, last: `${last}`, available_sequence: `${next}`, available_time: from },
    ),
  );
}
