/** Opens a data folder: its store, the state that is in it, and the engine over both. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { backUp } from './backup/backup.js';
import { isExplained } from './backup/backup-error.js';
import { toTheEnd } from './backup/drive.js';
import { archiveName, keptFilesIn, storeFileIn, unfinishedRestore } from './data-folder.js';
import { schedulerActor } from './core/access/caller.js';
import type { Strategy } from './core/placement/scorers/index.js';
import { Engine, type EngineObserver } from './engine.js';
import { loadState } from './store/load.js';
import { SqliteStore } from './store/sqlite/sqlite-store.js';
import { hasTables, newestSchema } from './store/sqlite/schema.js';
import { type JournalHead, type LoadedRequest, StoreError } from './store/store.js';
import { packageVersion } from './version.js';
import { SteadyClock } from './steady-clock.js';

export interface Opened {
  store: SqliteStore;
  storeFile: string;
  engine: Engine;
  /** Where the journal stood. */
  head: JournalHead;
  requests: LoadedRequest[];
  migrated: Migrated | null;
  /** What the engine goes by. */
  clock: SteadyClock;
}

/** What a file of an older schema has become. */
export interface Migrated {
  from: number;
  to: number;
  /** The backup from before; null when none was made. */
  backup: string | null;
}

export interface Opening {
  dataDir: string;
  strategy: Strategy;
  /** Undefined: as it was, and at first `secovia`. */
  federation: string | undefined;
  /** Whether the federation must keep the name that it has: certificates carry it. */
  keepsName: boolean;
  /** A federation is founded here: an earlier try may have left all but the store. */
  founds?: true;
  /** Of a folder that was restored: from what. It takes a new incarnation, and all its sites go into recovery (PROTOCOL E2). */
  restored?: string;
  onFatal(error: Error): void;
  observer?: EngineObserver;
}

/**
 * Opens the store of a folder, and migrates it where it is of an older version. A backup from before is kept beside it,
 * because there is no other way back.
 *
 * @throws StoreError when it cannot be used, or there is no room for that backup.
 */
export function openStore(
  dataDir: string,
  { keepsBackup = true, founds }: { keepsBackup?: boolean; founds?: boolean | undefined } = {},
): { store: SqliteStore; migrated: Migrated | null } {
  if (existsSync(unfinishedRestore(dataDir))) {
    throw new StoreError(
      `a restore into ${dataDir} was interrupted; say it again: secovia-scheduler restore FILE --data-dir ${dataDir}`,
    );
  }
  if (founds !== true) requireStore(dataDir);
  let migrated: Migrated | null = null;
  const store = new SqliteStore(storeFileIn(dataDir), {
    beforeMigration: (from) => {
      const backup = keepsBackup ? join(dataDir, `before-schema-${newestSchema}.backup`) : null;
      if (backup !== null) keepBackup(dataDir, backup);
      migrated = { from, to: newestSchema, backup };
    },
  });
  return { store, migrated };
}

/** A folder that lacks its store would become an empty federation, whose agents and administrators nobody knows. */
function requireStore(dataDir: string): void {
  const file = storeFileIn(dataDir);
  const [kept = existsSync(join(dataDir, archiveName)) ? archiveName : undefined] = keptFilesIn(dataDir);
  if (kept === undefined || hasTables(file)) return;
  throw new StoreError(
    `${dataDir} has ${kept}, and its store ${file} ${existsSync(file) ? 'is empty' : 'is missing'}: put it back with its -wal, or restore a backup; a new federation begins in an empty folder`,
  );
}

/** One that is there is of a migration that was interrupted, and has nothing that this one lacks. */
function keepBackup(dataDir: string, file: string): void {
  try {
    toTheEnd(backUp({ dataDir, file, force: true, atMs: Date.now(), version: packageVersion() }));
  } catch (error) {
    if (!isExplained(error)) throw error;
    throw new StoreError(
      `the store in ${dataDir} has to be migrated, and before that no backup could be made: ${error.message}; make one elsewhere (secovia-scheduler backup FILE), then say: secovia-scheduler migrate --no-backup`,
    );
  }
}

/**
 * Begins a new epoch; nobody else has the folder from now on until the store is closed.
 *
 * @throws StoreError when it cannot be used, or is another federation's.
 */
export async function openFolder({
  dataDir,
  strategy,
  federation,
  keepsName,
  founds,
  restored,
  onFatal,
  observer,
}: Opening): Promise<Opened> {
  const { store, migrated } = openStore(dataDir, { keepsBackup: restored === undefined, founds });
  const { state, head, requests } = await loaded(store, strategy);
  const before = state.federation.name;
  const name = federation ?? (before || 'secovia');
  if (keepsName && before !== '' && before !== name) {
    await store.close();
    throw new StoreError(
      `the federation in ${dataDir} is called ${before}, and its certificates say so; it cannot become ${name}`,
    );
  }
  const steady = new SteadyClock(Date.now, () => performance.now(), state.lastMs);
  const engine = new Engine({
    state,
    store,
    head,
    clock: () => steady.now(),
    onFatal,
    ...(observer === undefined ? {} : { observer }),
  });
  store.onBroken = onFatal;
  const instance = randomUUID();
  if (restored === undefined) engine.run({ type: 'federation.open', instance, name, incarnation: 1 });
  else leadRestored(engine, { instance, name, reason: restored });
  await engine.readable();
  return { store, storeFile: storeFileIn(dataDir), engine, head, requests, migrated, clock: steady };
}

/** Agents obey the new incarnation and none before; what happened after the backup they alone know. */
function leadRestored(
  engine: Engine,
  { instance, name, reason }: { instance: string; name: string; reason: string },
): void {
  const actor = { ...schedulerActor, method: 'secovia-scheduler restore' };
  const { epoch } = engine.state.federation;
  engine.actingFor(actor, () => {
    engine.run({ type: 'federation.open', instance, name, incarnation: epoch.incarnation + 1 });
    engine.run({ type: 'recovery.enter', sites: [...engine.state.sites.keys()], reason });
  });
}

/** A store that cannot be read is not kept from whoever looks at it next. */
async function loaded(store: SqliteStore, strategy: Strategy) {
  try {
    return await loadState(store, strategy);
  } catch (error) {
    await store.close();
    throw error;
  }
}
