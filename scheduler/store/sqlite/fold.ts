/**
 * Brings what SQLite's log has into the file itself: while the store is written, a little at a time, and at a start before
 * anybody believes it. A sync that has failed leaves pages in the
 * kernel's memory that are on no disk: whoever starts next reads them from there, acts by them, and the next loss of power takes
 * them away. The kernel says such an error once, so that to sync the log again would prove nothing; written anew, into the file,
 * the pages are on disk or the start fails.
 */
import { existsSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { syncFile } from './sync-file.js';

/**
 * So much log is folded into the file by the commit that reaches it, and whoever waits for that commit waits for the fold: of 64
 * MiB for a tenth of a second and more. Smaller folds write the few pages that change all the time more often, which cannot be measured.
 */
const foldedBytes = 4 * 2 ** 20;

/** Has a connection fold the log whenever it is long enough. */
export function foldAlong(db: Database.Database): void {
  const pageBytes = db.pragma('page_size', { simple: true }) as number;
  db.pragma(`wal_autocheckpoint = ${foldedBytes / pageBytes}`);
}

/**
 * Leaves the log empty. While another process reads the file (a report, a verification) it goes on without: that one would keep
 * a scheduler from starting.
 *
 * @throws SqliteError when it cannot be written, as on a full disk.
 */
export function foldLog(db: Database.Database, file: string): void {
  const patienceMs = db.pragma('busy_timeout', { simple: true }) as number;
  db.pragma('busy_timeout = 0');
  const [fold] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  db.pragma(`busy_timeout = ${patienceMs}`);
  if (fold?.busy !== 0) return;
  const log = `${file}-wal`;
  // Or it could come back after a loss of power, older than the file.
  if (existsSync(log)) syncFile(log);
}
