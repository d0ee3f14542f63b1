/** Makes a store of a copy again, and gives what was kept in it beside the store. */
import Database from 'better-sqlite3';
import { StoreError } from '../store.js';
import { isBackup } from './schema.js';

/**
 * Turns a backup's file into a store's, in place. The files that it held do not stay in it.
 *
 * @throws StoreError when it is no backup.
 */
export function unpackStore(file: string): Map<string, Buffer> {
  const db = new Database(file, { fileMustExist: true });
  try {
    if (!isBackup(db)) throw new StoreError(`${file} is no backup`);
    const rows = db.prepare<[], { path: string; content: Buffer }>('SELECT path, content FROM backup_file');
    const files = new Map(rows.all().map(({ path, content }) => [path, content]));
    db.pragma('synchronous = FULL');
    // There are keys among them, and what is dropped would stay on free pages.
    db.pragma('secure_delete = ON');
    db.transaction(() => {
      db.exec('DROP TABLE backup_file; DROP TABLE backup_about;');
      db.pragma('application_id = 0');
    })();
    return files;
  } finally {
    db.close();
  }
}
