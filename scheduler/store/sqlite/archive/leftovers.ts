/** What an archiving that was killed has left: files of which the store still has every row. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from '../../store.js';
import { filesIn } from './archive-check.js';
import { hashIn } from './archived-batches.js';
import { openedSegment } from './segment-file.js';
import { archiveOf, baseOf, type Segment, segmentName, segmentsIn } from './segments.js';

/** Ends the name of a file that is not whole yet. */
export const unfinished = '.new';

/** Removes them, where nothing else is to be done with the store. */
export function clearLeftovers(storeFile: string): void {
  const db = new Database(storeFile, { fileMustExist: true });
  try {
    removeLeftovers(storeFile, db);
  } finally {
    db.close();
  }
}

/** Removes them; files of other histories, and those that cannot be read, stay. */
export function removeLeftovers(storeFile: string, db: Database.Database): void {
  const folder = archiveOf(storeFile);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (name.endsWith(unfinished)) rmSync(join(folder, name));
  const segments = segmentsIn(db);
  const base = baseOf(segments);
  const known = new Set(segments.map(segmentName));
  for (const name of filesIn(storeFile)) {
    if (known.has(name)) continue;
    const segment = segmentOf(join(folder, name));
    if (segment === null || segment.first <= base.last) continue;
    // The hash at the end is of all that is before.
    if (hashIn(db, segment.last)?.equals(segment.hash)) rmSync(join(folder, name));
  }
}

function segmentOf(file: string): Segment | null {
  try {
    const db = openedSegment(file);
    try {
      return segmentsIn(db)[0] ?? null;
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}
