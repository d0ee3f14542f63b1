/** Writes a folder of small files so that after a crash it is there whole, or not at all. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Names and contents; names that end in `.key`, or are `key.pem`, are for nobody else's eyes. */
export type Contents = Record<string, string>;

/** Makes `folder`, which must not be there yet. What a try that was killed has left is beside it, and begins with a dot. */
export function makeFolder(path: string, contents: Contents): void {
  // Without the slash that a shell puts at the end.
  const folder = resolve(path);
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  // A name that nobody else has: a folder of somebody's that is called so would be lost.
  const half = mkdtempSync(join(dirname(folder), `.${basename(folder)}.`));
  try {
    for (const [name, text] of Object.entries(contents)) writeNew(join(half, name), text);
    syncFolder(half);
    renameSync(half, folder);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    throw error;
  }
  syncFolder(dirname(folder));
}

/** One file of a folder anew, from one moment to the next. */
export function replaceFile(path: string, text: string): void {
  rmSync(`${path}.new`, { force: true });
  writeNew(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  syncFolder(dirname(path));
}

function writeNew(path: string, text: string): void {
  writeFileSync(path, text, { mode: isSecret(path) ? 0o600 : 0o644, flag: 'wx', flush: true });
}

function isSecret(path: string): boolean {
  return /(\.key|key\.pem)(\.new)?$/.test(path);
}

/** A file's text; null when it is not there. */
export function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/** Has the names in a folder on disk. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
