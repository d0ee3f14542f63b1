/** Whose the files of a store are, and for whose eyes. */
import { chmodSync, chownSync, closeSync, existsSync, openSync, statSync } from 'node:fs';

/**
 * Gives what root has made to the owner of the store, or of what it was made from: the scheduler runs as a user of its own, and is to
 * read it later. SQLite does so with its log.
 */
export function giveToOwnerOf(like: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like);
  chownSync(path, uid, gid);
}

/**
 * Keeps a file from all others on the machine, and makes an empty one if it is not there. SQLite's own beside it are like it. One that
 * is there is not opened: to close it again would end the locks that this process has on it. What cannot be done here is said by
 * SQLite when it cannot do it either.
 */
export function keepToOwner(path: string): void {
  try {
    if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600));
    else if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
