/**
 * A backup: everything that a federation needs to run again, in one file that is whole or not there. It is written under a
 * name of its own beside where it goes, synced, read again from beginning to end, and renamed. It may be made beside a
 * running scheduler, by any process that can read the data folder.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../proto/durable-folder.js';
import { isOurs, keptFilesIn, storeFileIn } from '../data-folder.js';
import { checkStore } from '../store/sqlite/check.js';
import { copyStore } from '../store/sqlite/copy.js';
import type { Summary } from '../store/sqlite/summary.js';
import { BackupError, inWords } from './backup-error.js';

export interface BackupOrder {
  dataDir: string;
  /** Where it goes. */
  file: string;
  /** Whether it may take the place of a file that is there. */
  force: boolean;
  atMs: number;
  /** Of this program. */
  version: string;
}

export interface Backup {
  file: string;
  bytes: number;
  summary: Summary;
}

/**
 * Makes a backup, with a pause after each piece. Whoever ends it there leaves nothing behind.
 *
 * @throws BackupError or StoreError with a whole sentence.
 */
export function* backUp(order: BackupOrder): Generator<void, Backup> {
  const store = storeFileIn(order.dataDir);
  if (!existsSync(store)) {
    throw new BackupError(`there is no federation in ${order.dataDir}: it has no ${basename(store)}`);
  }
  const file = resolve(order.file);
  try {
    refuseTaken(file, order);
    removeLeftovers(file);
    return yield* write(file, store, order);
  } catch (error) {
    throw inWords(error, `cannot write the backup ${file}`, statSync(store).size);
  }
}

function refuseTaken(file: string, { dataDir, force }: BackupOrder): void {
  if (realpathSync(dirname(file)) === realpathSync(dataDir) && isOurs(basename(file))) {
    throw new BackupError(`${file} is a part of the scheduler's own data; choose another name`);
  }
  if (!existsSync(file)) return;
  if (!force) throw new BackupError(`${file} is there already; choose another name, or say --force`);
  if (!statSync(file).isFile()) throw new BackupError(`${file} is no file; choose another name`);
}

function* write(file: string, store: string, order: BackupOrder): Generator<void, Backup> {
  const { dataDir, atMs, version } = order;
  const half = `${file}.${process.pid}.new`;
  let descriptor: number | null = openSync(half, 'wx', 0o600);
  try {
    // Read after the store, which names nothing that is not on disk yet.
    const files = () =>
      new Map(keptFilesIn(dataDir).map((path) => [path, readFileSync(join(dataDir, path))]));
    yield* copyStore({ from: store, to: half, descriptor, files, atMs, version });
    fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = null;
    const { findings, summary } = yield* checkStore(half);
    if (summary === null) {
      throw new BackupError(
        `there is no backup, because its copy of ${store} is damaged: ${findings[0]}; see what of it the store has: secovia-scheduler verify ${dataDir}`,
      );
    }
    refuseTaken(file, order);
    const bytes = statSync(half).size;
    renameSync(half, file);
    syncFolder(dirname(file));
    return { file, bytes, summary };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
    rmSync(half, { force: true });
  }
}

/** What processes that were killed have left of a backup of this name. */
function removeLeftovers(file: string): void {
  const folder = dirname(file);
  for (const name of readdirSync(folder)) {
    const rest = name.startsWith(`${basename(file)}.`) ? name.slice(basename(file).length) : '';
    const pid = /^\.(\d+)\.new$/.exec(rest)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
