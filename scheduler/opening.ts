/** Opens a data folder: its store, the state that is in it, and the engine over both. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Strategy } from './core/placement/scorers/index.js';
import { Engine, type EngineObserver } from './engine.js';
import { loadState } from './store/load.js';
import { SqliteStore } from './store/sqlite/sqlite-store.js';
import { type JournalHead, type LoadedRequest, StoreError } from './store/store.js';

export interface Opened {
  store: SqliteStore;
  storeFile: string;
  engine: Engine;
  /** Where the journal stood. */
  head: JournalHead;
  requests: LoadedRequest[];
}

export interface Opening {
  dataDir: string;
  strategy: Strategy;
  /** Undefined: as it was, and at first `secovia`. */
  federation: string | undefined;
  /** Whether the federation must keep the name that it has: certificates carry it. */
  keepsName: boolean;
  onFatal(error: Error): void;
  observer?: EngineObserver;
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
  onFatal,
  observer,
}: Opening): Promise<Opened> {
  const storeFile = join(dataDir, 'secovia.db');
  const store = new SqliteStore(storeFile);
  const { state, head, requests } = await loadState(store, strategy);
  const before = state.federation.name;
  const name = federation ?? (before || 'secovia');
  if (keepsName && before !== '' && before !== name) {
    await store.close();
    throw new StoreError(
      `the federation in ${dataDir} is called ${before}, and its certificates say so; it cannot become ${name}`,
    );
  }
  const engine = new Engine({
    state,
    store,
    head,
    clock: Date.now,
    onFatal,
    ...(observer === undefined ? {} : { observer }),
  });
  engine.run({ type: 'federation.open', instance: randomUUID(), name, incarnation: 1 });
  await engine.readable();
  return { store, storeFile, engine, head, requests };
}
