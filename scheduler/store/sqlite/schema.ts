/**
 * Which version of the schema a file has, and how it becomes the newest: all steps that are missing in one transaction, so
 * that a process that dies meanwhile leaves the file as it was. There is no way back but a backup from before.
 */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreError } from '../store.js';
import { migrations } from './migrations.js';

/** The schema that this program writes. */
export const newestSchema = migrations.length;

/** From this one on the journal has commitments. */
export const schemaWithCommitments = 3;

/** From this one on rows have checksums. */
export const schemaWithSums = 4;

/** From this one on the journal's beginning may be in files of its own. */
export const schemaWithArchive = 5;

/** In a file's `application_id`: it has a part of a journal, and is no store. */
export const segmentId = 0x53_76_41_73;

/** In a file's `application_id`: it is a backup, and no scheduler may go on from it as it is. */
export const backupId = 0x53_76_42_6b;

export function schemaOf(db: Database.Database, schema = 'main'): number {
  return db.pragma(`${schema}.user_version`, { simple: true }) as number;
}

/** @throws StoreError when the file cannot be read. */
export function schemaOfFile(file: string): number {
  try {
    const db = new Database(file, { fileMustExist: true });
    try {
      return schemaOf(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw new StoreError(`cannot read ${file}: ${(error as Error).message}`);
  }
}

/** Whether it is a file that a store has written to. One that cannot be read may be: whoever opens it says why not. */
export function hasTables(file: string): boolean {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    return schemaOf(db) > 0;
  } catch {
    return existsSync(file);
  } finally {
    db?.close();
  }
}

export function isBackup(db: Database.Database): boolean {
  return db.pragma('application_id', { simple: true }) === backupId;
}

export function isSegment(db: Database.Database): boolean {
  return db.pragma('application_id', { simple: true }) === segmentId;
}

/** @throws StoreError when a newer program has written the file. */
export function refuseNewer(file: string, schema: number): void {
  if (schema <= newestSchema) return;
  throw new StoreError(
    `${file} was written by a newer Secovia (schema ${schema}, this program knows ${newestSchema}), and there is no way back; install that version again, or restore a backup from before the upgrade into another folder`,
  );
}

/** Takes the steps that are missing, all or none. */
export function migrate(db: Database.Database): void {
  const schema = schemaOf(db);
  if (schema === newestSchema) return;
  db.transaction(() => {
    for (const step of migrations.slice(schema)) {
      if (typeof step === 'string') db.exec(step);
      else step(db);
    }
    db.pragma(`user_version = ${newestSchema}`);
  }).immediate();
}
