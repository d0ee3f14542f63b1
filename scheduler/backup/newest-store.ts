/** The store that a command alters in place: of this version's schema, with room for temporary files beside it. */
import { existsSync } from 'node:fs';
import { storeFileIn } from '../data-folder.js';
import { keepTemporaryFilesIn } from '../store/sqlite/archive/cut.js';
import { newestSchema, schemaOfFile } from '../store/sqlite/schema.js';
import { BackupError } from './backup-error.js';

/**
 * Its file. Nobody has locked it yet.
 *
 * @throws BackupError when there is none, or it has another schema, StoreError when it cannot be read; both in whole sentences.
 */
export function newestStoreIn(dataDir: string): string {
  const file = storeFileIn(dataDir);
  if (!existsSync(file)) throw new BackupError(`there is no federation in ${dataDir}: it has no store`);
  keepTemporaryFilesIn(dataDir);
  if (schemaOfFile(file) !== newestSchema) {
    throw new BackupError(
      `the store in ${dataDir} has another schema than this version; say first: secovia-scheduler migrate`,
    );
  }
  return file;
}
