/** Brings the store of a data folder to the newest schema, as a start does. */
import { storeFileIn } from '../data-folder.js';
import { openStore } from '../opening.js';
import { newestSchema, refuseNewer, schemaOfFile } from '../store/sqlite/schema.js';

export interface Migration {
  dataDir: string;
  from: number;
  to: number;
  /** Whether it was done, and not only looked at. */
  done: boolean;
  /** From before; null when none was made. */
  backup: string | null;
}

/** @throws StoreError when the store cannot be used, or is newer than this program. */
export async function migrateFolder(
  dataDir: string,
  { dryRun, keepsBackup }: { dryRun: boolean; keepsBackup: boolean },
): Promise<Migration> {
  const from = schemaOfFile(storeFileIn(dataDir));
  refuseNewer(storeFileIn(dataDir), from);
  const migration = { dataDir, from, to: newestSchema, done: false, backup: null };
  if (dryRun || from === newestSchema) return migration;
  const { store, migrated } = openStore(dataDir, { keepsBackup });
  await store.close();
  return { ...migration, done: true, backup: migrated?.backup ?? null };
}
