/**
 * Makes a data folder of a backup. All of it is made in a folder within, `restoring`, and moved out when it is whole; while
 * that folder is there no scheduler starts. The federation takes a new incarnation, so that agents obey nobody who still
 * runs what was before, and every site goes into recovery: what happened after the backup is known to the agents alone
 * (PROTOCOL E1, E2).
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../proto/durable-folder.js';
import { archiveName, isKept, isOurs, storeFileIn, unfinishedRestore } from '../data-folder.js';
import { openFolder } from '../opening.js';
import { missingIn } from '../store/sqlite/archive/archive-check.js';
import { checkStore } from '../store/sqlite/check.js';
import { lockFileOf, lockFor } from '../store/sqlite/lock.js';
import type { Summary } from '../store/sqlite/summary.js';
import { unpackStore } from '../store/sqlite/unpack.js';
import { BackupError, inWords } from './backup-error.js';

export interface Restored {
  dataDir: string;
  summary: Summary;
  epoch: { incarnation: number; counter: number };
  /** Sites that are in recovery. */
  sites: string[];
  /** Files of its archive that are not in the folder. */
  missing: string[];
}

/** Runs what pauses after each piece; rejects when it is to end early. */
export type Drive = <T>(steps: Generator<void, T>) => Promise<T>;

/** @throws BackupError or StoreError with a whole sentence; the folder is then as it was. */
export async function restore(file: string, dataDir: string, drive: Drive): Promise<Restored> {
  const folder = resolve(dataDir);
  const found = existsSync(file) ? statSync(file) : null;
  if (found === null || !found.isFile()) throw new BackupError(`there is no backup ${file}`);
  const existed = existsSync(folder);
  if (existed) refuseTaken(folder);
  else mkdirSync(folder, { recursive: true, mode: 0o700 });
  const half = unfinishedRestore(folder);
  const lockFile = lockFileOf(storeFileIn(folder));
  const hadLockFile = existsSync(lockFile);
  // Of two that restore into one folder each would remove what the other has made, a scheduler that runs there meanwhile included.
  const lock = lockFor(
    storeFileIn(folder),
    `another restore into ${folder} is under way, or a scheduler runs there; end that one first`,
  );
  try {
    refuseTaken(folder);
  } catch (error) {
    // Whoever was here meanwhile has made something of it.
    lock.close();
    throw error;
  }
  try {
    clear(folder);
    mkdirSync(half, { mode: 0o700 });
    const summary = await unpack(file, half, drive);
    const { epoch, sites } = await lead(half, summary);
    await drive(pause());
    rmSync(lockFileOf(storeFileIn(half)), { force: true });
    for (const name of readdirSync(half)) renameSync(join(half, name), join(folder, name));
    syncFolder(folder);
    rmdirSync(half);
    syncFolder(folder);
    syncFolder(dirname(folder));
    const missing = missingIn(storeFileIn(folder));
    lock.close();
    return { dataDir: folder, summary, epoch, sites, missing };
  } catch (error) {
    clear(folder);
    if (!hadLockFile) rmSync(lockFile, { force: true });
    lock.close();
    if (!existed) removeEmpty(folder);
    throw inWords(error, `cannot restore into ${folder}`, found.size);
  }
}

/** What somebody has put there meanwhile stays. */
function removeEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** A signal that came meanwhile is heard here. */
function* pause(): Generator<void> {
  yield;
}

/** Only an empty folder will do, or what a restore has left that was killed; files of an archive may be there. */
function refuseTaken(folder: string): void {
  if (!statSync(folder).isDirectory()) throw new BackupError(`${folder} is no folder`);
  const names = readdirSync(folder).filter((name) => name !== archiveName && !isOfLock(folder, name));
  const foreign = names.find((name) => !isOurs(name));
  if (names.length > 0 && (foreign !== undefined || !existsSync(unfinishedRestore(folder)))) {
    throw new BackupError(
      `${folder} is not empty (it has ${foreign ?? names[0]}); move it away, or restore into another folder`,
    );
  }
}

/** While the lock is held there is a second file beside its own. */
const isOfLock = (folder: string, name: string): boolean =>
  name.startsWith(basename(lockFileOf(storeFileIn(folder))));

/** Nothing else was in it when the restore began, which has the lock. */
function clear(folder: string): void {
  const last = unfinishedRestore(folder);
  for (const name of readdirSync(folder)) {
    if (name === archiveName || isOfLock(folder, name)) continue;
    if (isOurs(name) && join(folder, name) !== last) rmSync(join(folder, name), { recursive: true });
  }
  rmSync(last, { recursive: true, force: true });
}

/** Brings the backup into the folder and takes it apart there: what was checked is what is used. */
async function unpack(file: string, half: string, drive: Drive): Promise<Summary> {
  const store = storeFileIn(half);
  copyFileSync(file, store);
  chmodSync(store, 0o600);
  const { findings, summary } = await drive(checkStore(store, file));
  if (summary === null) throw new BackupError(`${file} is damaged: ${findings[0]}; restore another backup`);
  if (summary.backup === null) {
    throw new BackupError(
      `${file} is no backup but a scheduler's own file; make one with: secovia-scheduler backup FILE`,
    );
  }
  for (const [path, content] of unpackStore(store)) {
    if (!isKept(path)) throw new BackupError(`${file} has a file that no scheduler has: ${path}`);
    mkdirSync(dirname(join(half, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(half, path), content, { mode: 0o600, flag: 'wx', flush: true });
    syncFolder(dirname(join(half, path)));
  }
  return summary;
}

/** Leads for a moment: the new incarnation and the recovery are decisions like any other. */
async function lead(half: string, { backup }: Summary): Promise<Pick<Restored, 'epoch' | 'sites'>> {
  const atMs = backup?.atMs ?? 0;
  let failed: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  failure.catch(() => {});
  const opening = openFolder({
    dataDir: half,
    strategy: 'pack',
    federation: undefined,
    keepsName: false,
    restored: `restored from a backup of ${new Date(atMs).toISOString()}`,
    onFatal: (error) => failed(error),
  });
  const { engine, store } = await Promise.race([opening, failure]);
  const { epoch, recoveringSites } = engine.state.federation;
  await store.close();
  return { epoch, sites: [...recoveringSites] };
}
