/** What is in a scheduler's data folder, for whoever makes, copies or brings back a whole one. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const dataDirDefault = '/var/lib/secovia-scheduler';

const storeName = 'secovia.db';

/** The folder of what was archived of the journal: files that never change, and are no part of a backup. */
export const archiveName = 'archive';

export function storeFileIn(dataDir: string): string {
  return join(dataDir, storeName);
}

/** Where a restore builds what it moves into the data folder; while it is there the folder is not whole. */
export function unfinishedRestore(dataDir: string): string {
  return join(dataDir, 'restoring');
}

/** What must not be lost beside the store: the key of the checkpoints, the authority, the scheduler's certificate. */
const keptFile = /^(checkpoint\.key|(authority|server)\/[a-z][a-z.-]*)$/;

/** Whether it is a path, within the folder, of such a file. */
export function isKept(path: string): boolean {
  return keptFile.test(path) && !path.endsWith('.new');
}

/** Paths, within the folder, of those that are there. */
export function keptFilesIn(dataDir: string): string[] {
  const folders = ['authority', 'server'].filter((name) => existsSync(join(dataDir, name)));
  const within = folders.flatMap((folder) =>
    readdirSync(join(dataDir, folder)).map((name) => `${folder}/${name}`),
  );
  return ['checkpoint.key', ...within].filter((path) => isKept(path) && existsSync(join(dataDir, path)));
}

/** Whether a name in the folder is of what a scheduler, or a restore, puts there. */
export function isOurs(name: string): boolean {
  return (
    ['restoring', 'checkpoint.key', 'authority', 'server', archiveName].includes(name) ||
    /^secovia\.db(-wal|-shm|\.lock)?$/.test(name)
  );
}
