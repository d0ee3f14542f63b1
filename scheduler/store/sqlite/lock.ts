/** Keeps a store to one process. */
import Database from 'better-sqlite3';
import { StoreError } from '../store.js';
import { keepToOwner } from './owner.js';

export const lockFileOf = (file: string): string => `${file}.lock`;

/**
 * A second process on the same file would break the order of decisions. The lock is a transaction that is never
 * ended on a file beside it: the operating system drops it with the process, however that dies.
 *
 * @param taken what is said when another process has it.
 * @throws StoreError
 */
export function lockFor(
  file: string,
  taken = `another scheduler is running on ${file}; stop it first, or give this one another dataDir`,
): Database.Database {
  let lock: Database.Database | undefined;
  try {
    keepToOwner(lockFileOf(file));
    lock = new Database(lockFileOf(file), { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const { code, message } = error as Error & { code?: string };
    if (code !== 'SQLITE_BUSY') throw new StoreError(`cannot use ${file}: ${message}`);
    throw new StoreError(taken);
  }
}
