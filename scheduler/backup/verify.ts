/** Checks a backup, or the store of a data folder, from beginning to end, and changes nothing. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { storeFileIn } from '../data-folder.js';
import { type CheckedArchive, checkArchive } from '../store/sqlite/archive/archive-check.js';
import { type Checked, checkStore } from '../store/sqlite/check.js';
import { remedy } from '../store/sqlite/damage.js';
import { BackupError, inWords } from './backup-error.js';
import type { Drive } from './restore.js';

export interface Verified extends Checked {
  file: string;
  /** What helps; empty where nothing is broken. */
  remedy: string;
  /** What is beside a store; null of a backup, and where the store itself is damaged. */
  archive: CheckedArchive | null;
}

/** @throws BackupError or StoreError when there is nothing to check; the message is a whole sentence. */
export async function verify(path: string, drive: Drive): Promise<Verified> {
  const given = resolve(path);
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  const file = isFolder ? storeFileIn(given) : given;
  if (!existsSync(file)) throw new BackupError(`there is no ${file}`);
  try {
    const checked = await drive(checkStore(file));
    const helps = isFolder ? remedy(file) : 'use another backup';
    const isStore = checked.summary !== null && checked.summary.backup === null;
    const archive = isStore ? await drive(checkArchive(file)) : null;
    return { ...checked, file, archive, remedy: checked.findings.length === 0 ? '' : helps };
  } catch (error) {
    throw inWords(error, `cannot read ${file}`, 0);
  }
}

export function isDamaged({ findings, archive }: Verified): boolean {
  return findings.length > 0 || (archive?.findings.length ?? 0) > 0;
}
