/**
 * Makes a file of the archive: written under another name, read again, synced and renamed. Until the store has let go of its rows
 * it is a file too many and nothing more, and the next archiving removes what an earlier one has left.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../../proto/durable-folder.js';
import { segmentsOf } from '../store/sqlite/archive/archive-check.js';
import { clearLeftovers, unfinished } from '../store/sqlite/archive/leftovers.js';
import type { Plan } from '../store/sqlite/archive/plan.js';
import { checkSegment } from '../store/sqlite/archive/segment-check.js';
import { segmentFile } from '../store/sqlite/archive/segment-file.js';
import { writeSegment } from '../store/sqlite/archive/segment-writer.js';
import { giveToOwnerOf } from '../store/sqlite/owner.js';
import { archiveOf, type Segment } from '../store/sqlite/archive/segments.js';
import { damaged } from '../store/sqlite/damage.js';
import { BackupError } from './backup-error.js';

/**
 * Writes the file of a plan, with a pause after each piece. Whoever ends it there leaves nothing behind.
 *
 * @throws BackupError when a file of its name is there that has other decisions, StoreError when the journal is damaged.
 */
export function* makeSegment(storeFile: string, plan: Plan): Generator<void, Segment> {
  const file = segmentFile(storeFile, plan);
  const half = `${file}${unfinished}`;
  const folder = archiveOf(storeFile);
  let descriptor: number | null = null;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    giveToOwnerOf(storeFile, folder);
    clearLeftovers(storeFile);
    if (existsSync(file)) {
      throw new BackupError(
        `${file} is there already, and does not have the decisions of this store: it is of another history; move it away, and say this again`,
      );
    }
    descriptor = openSync(half, 'wx', 0o600);
    giveToOwnerOf(storeFile, half);
    const order = { storeFile, to: half, descriptor, plan, segments: segmentsOf(storeFile) };
    const segment = yield* writeSegment(order);
    const [broken] = yield* checkSegment(half, segment);
    if (broken !== undefined) throw damaged(storeFile, broken);
    fsyncSync(descriptor);
    renameSync(half, file);
    syncFolder(folder);
    syncFolder(dirname(folder));
    return segment;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
    rmSync(half, { force: true });
    removeIfEmpty(folder);
  }
}

/** A folder that was made in vain does not stay. */
export function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}
