/**
 * One agent to a data folder. The lock is SQLite's own on a small file: the kernel holds it for the process and
 * lets go when the process ends, however it ends, so there is no stale lock to clear and no process id to compare.
 * It holds across network and process namespaces, where sockets and ids do not.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { OperatorError } from '../operator-error.js';

export class FolderInUse extends OperatorError {
  override readonly name = 'FolderInUse';
}

/** A predecessor that was just killed may take this long to vanish. */
const waitMs = 1_000;

/** A lock that nobody refers to would be let go of by the garbage collector. */
const held = new Set<Database.Database>();

/** Holds the folder until the process ends, or `release` is called. @throws FolderInUse */
export function lockFolder(dataDir: string): { release(): void } {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const database = new Database(join(dataDir, 'agent.lock'), { timeout: waitMs });
  try {
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new FolderInUse(
      `another secovia-agent is using ${dataDir}: stop it first, or choose another dataDir`,
    );
  }
  held.add(database);
  return {
    release() {
      held.delete(database);
      database.close();
    },
  };
}
