/**
 * Takes content out of lines that were archived. A segment's file is never altered where it is: a copy is, and takes its place
 * when all copies are whole.
 */
import { copyFileSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreError } from '../../store.js';
import { type Erasing, eraseLines, makeAnew } from '../erase.js';
import { segmentsOf } from './archive-check.js';
import { unfinished } from './leftovers.js';
import { giveToOwnerOf } from '../owner.js';
import { syncFile } from '../sync-file.js';
import { checkSegment } from './segment-check.js';
import { isThere, openSegment, segmentFile } from './segment-file.js';
import type { Segment } from './segments.js';

export interface ErasedCopies {
  /** Lines that were altered, or would be. */
  lines: number;
  /** Files whose copies wait for their place. */
  files: string[];
}

/**
 * Makes copies without what is to be erased, with a pause after each piece; whoever ends it there leaves nothing behind.
 *
 * @throws StoreError when a segment is not there, or a line cannot be altered.
 */
export function* eraseInCopies(storeFile: string, erasing: Erasing): Generator<void, ErasedCopies> {
  const segments = segmentsOf(storeFile);
  const missing = segments.find((segment) => !isThere(storeFile, segment));
  if (missing !== undefined) {
    throw new StoreError(
      `decisions ${missing.first} to ${missing.last} may have it, and cannot be looked at: ${segmentFile(storeFile, missing)} is not there, or is another history's; put it back, and say this again`,
    );
  }
  const erased: ErasedCopies = { lines: 0, files: [] };
  try {
    for (const segment of segments) {
      const file = segmentFile(storeFile, segment);
      const lines = yield* linesIn(openSegment(storeFile, segments, segment), erasing);
      erased.lines += lines;
      if (lines === 0 || erasing.dryRun) continue;
      erased.files.push(file);
      yield* eraseInCopy(file, segment, erasing);
    }
    return erased;
  } catch (error) {
    discardCopies(erased);
    throw error;
  }
}

function* linesIn(db: Database.Database, erasing: Erasing): Generator<void, number> {
  try {
    return yield* eraseLines(db, { ...erasing, dryRun: true }, Number.POSITIVE_INFINITY);
  } finally {
    db.close();
  }
}

function* eraseInCopy(file: string, segment: Segment, erasing: Erasing): Generator<void> {
  const copy = `${file}${unfinished}`;
  copyFileSync(file, copy);
  giveToOwnerOf(file, copy);
  yield;
  const db = new Database(copy, { fileMustExist: true });
  try {
    // If it dies the copy is worth nothing.
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    yield* eraseLines(db, erasing, Number.POSITIVE_INFINITY);
    makeAnew(db);
  } finally {
    db.close();
  }
  const [broken] = yield* checkSegment(copy, segment);
  if (broken !== undefined) throw new StoreError(`${file} is damaged: ${broken}; put back a copy of it`);
  syncFile(copy);
}

export function discardCopies({ files }: ErasedCopies): void {
  for (const file of files) rmSync(`${file}${unfinished}`, { force: true });
}
