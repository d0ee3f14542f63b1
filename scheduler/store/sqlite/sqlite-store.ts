/**
 * The embedded store: one SQLite file in WAL mode with full sync. Reading at the start and looking up kept replies
 * happen here; writing happens on a thread of its own (`writer.ts`).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { EntityKind } from '../../core/touched.js';
import {
  type Batch,
  type JournalHead,
  type LoadHandlers,
  type SignedCheckpoint,
  type Store,
  StoreError,
} from '../store.js';
import { chainStart } from './chain.js';
import { migrations } from './migrations.js';
import { savedSequence } from './entity-tables.js';
import { forgottenBefore, type KeptRow, replyIn, requestsIn } from './kept-requests.js';
import { follows, type JournalRow, rowColumns } from './rows.js';
import { WireSender } from './wire.js';

/** A commit appends tens of kilobytes: fewer, larger pages are fewer writes. */
const pageBytes = 8192;

/** How many batches at the journal's end are hashed again at every start. */
const verifiedTail = 1000;

type FromWriter =
  | { ready: true }
  | { closed: true }
  | { error: string }
  | { sequence: number; hash: Uint8Array };

export class SqliteStore implements Store {
  readonly #file: string;
  readonly #lock: Database.Database;
  readonly #db: Database.Database;
  #writer: Worker | null = null;
  readonly #wire = new WireSender();
  /** Why nothing is written any more. */
  #broken: StoreError | null = null;
  #waiting: { resolve(head: JournalHead): void; reject(error: Error): void } | null = null;

  /**
   * Opens the file, making or migrating it as needed.
   *
   * @throws StoreError when another process has it, when it is newer than this program, or cannot be read.
   */
  constructor(file: string) {
    this.#file = file;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new StoreError(`cannot use ${file}: ${(error as Error).message}`);
    }
    this.#lock = lockFor(file);
    const existed = existsSync(file);
    try {
      this.#db = new Database(file);
      if (!existed) this.#db.pragma(`page_size = ${pageBytes}`);
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      migrate(this.#db, file, existed);
    } catch (error) {
      this.#lock.close();
      if (error instanceof StoreError) throw error;
      throw new StoreError(`cannot open ${file}: ${(error as Error).message}`);
    }
  }

  async load(handlers: LoadHandlers): Promise<JournalHead & { lastMs: number }> {
    let head: JournalHead & { lastMs: number };
    try {
      head = this.#verifyTail();
      this.#read(handlers);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      throw new StoreError(`${this.#file} is damaged (${error.message}); restore a backup`);
    }
    await this.#startWriter(head);
    return head;
  }

  #read(handlers: LoadHandlers): void {
    const entities = this.#db.prepare<[], { kind: EntityKind; body: string }>(
      'SELECT kind, body FROM entity',
    );
    for (const { kind, body } of entities.iterate()) handlers.onEntity(kind, body);
    for (const kind of ['vm', 'operation'] as const) {
      const bodies = this.#db.prepare<[], string>(`SELECT body FROM ${kind} ORDER BY row`).pluck();
      for (const body of bodies.iterate()) handlers.onEntity(kind, body);
    }
    const journal = this.#db.prepare<[number], string>(
      'SELECT body FROM journal WHERE last > ? ORDER BY last',
    );
    for (const body of journal.pluck().iterate(Number(this.#meta(savedSequence) ?? 0))) {
      for (const line of body.split('\n')) handlers.onDecision(line);
    }
    const kept = this.#db.prepare<[], KeptRow>('SELECT * FROM request ORDER BY first');
    const from = this.#firstKept();
    for (const row of kept.iterate()) {
      for (const request of requestsIn(row)) if (request.row >= from) handlers.onRequest(request);
    }
  }

  commit(batch: Batch): Promise<JournalHead> {
    const writer = this.#writer;
    if (writer === null) return Promise.reject(new StoreError('the store is not loaded'));
    if (this.#broken !== null) return Promise.reject(this.#broken);
    if (this.#waiting !== null) return Promise.reject(new StoreError('a commit is under way'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      writer.postMessage(this.#wire.send(batch));
    });
  }

  reply(row: number): Buffer | null {
    if (row < this.#firstKept()) return null;
    const kept = this.#db
      .prepare<[number], { first: number; entries: string; replies: Buffer }>(
        'SELECT * FROM request WHERE first <= ? ORDER BY first DESC LIMIT 1',
      )
      .get(row);
    return kept === undefined ? null : replyIn(kept, row);
  }

  /** The lowest row whose answer is still kept. */
  #firstKept(): number {
    return Number(this.#meta(forgottenBefore) ?? 0);
  }

  #meta(key: string): string | undefined {
    return this.#db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck().get(key);
  }

  hashAt(sequence: number): Buffer | null {
    const row = this.#db
      .prepare<[number], { hash: Buffer }>('SELECT hash FROM journal WHERE last = ?')
      .get(sequence);
    return row?.hash ?? null;
  }

  keepCheckpoint(checkpoint: SignedCheckpoint): void {
    this.#writer?.postMessage({ checkpoint });
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    // A thread that has ended already has no id any more, and says nothing.
    if (writer !== null && writer.threadId !== -1) {
      await new Promise<void>((resolve) => {
        writer.once('exit', () => resolve());
        writer.postMessage('close');
      });
    }
    this.#db.close();
    this.#lock.close();
  }

  /**
   * Hashes the end of the journal again: a torn or altered tail is found before anything is served from it. A batch at a
   * time, since a thousand of them can be large.
   */
  #verifyTail(): JournalHead & { lastMs: number } {
    const lasts = this.#db
      .prepare<[number], number>('SELECT last FROM journal ORDER BY last DESC LIMIT ?')
      .pluck();
    const tail = lasts.all(verifiedTail + 1);
    const rows = this.#db.prepare<[number], JournalRow>(
      `SELECT ${rowColumns} FROM journal WHERE last >= ? ORDER BY last`,
    );
    let before: JournalRow | null = null;
    for (const row of rows.iterate(tail.at(-1) ?? 0)) {
      // Of a long journal the oldest of these batches only says what the next one is chained to.
      const anchors = before === null && tail.length > verifiedTail;
      if (!anchors && !follows(before, row)) {
        throw new StoreError(
          `${this.#file} is damaged: the journal does not hold together at sequences ${row.first} to ${row.last}; restore a backup`,
        );
      }
      before = row;
    }
    if (before === null) return { sequence: 0, hash: chainStart, lastMs: 0 };
    return { sequence: before.last, hash: before.hash, lastMs: before.at_ms };
  }

  async #startWriter(head: JournalHead): Promise<void> {
    const writer = new Worker(new URL('./writer.js', import.meta.url), {
      workerData: { file: this.#file, head },
    });
    await new Promise<void>((resolve, reject) => {
      writer.once('error', reject);
      writer.once('message', () => resolve());
    });
    writer.removeAllListeners('error');
    writer.on('error', (error) => this.#failed(error));
    writer.on('exit', () => this.#failed(new Error('the writer has ended')));
    writer.on('message', (message: FromWriter) => {
      if ('error' in message) this.#failed(new Error(message.error));
      else if ('sequence' in message) {
        const waiting = this.#waiting;
        this.#waiting = null;
        waiting?.resolve({ sequence: message.sequence, hash: Buffer.from(message.hash) });
      }
    });
    this.#writer = writer;
  }

  #failed(error: Error): void {
    this.#broken ??= new StoreError(`cannot write ${this.#file}: ${error.message}`);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(this.#broken);
  }
}

/**
 * A second process on the same file would break the order of decisions. The lock is a transaction that is never
 * ended on a file beside it: the operating system drops it with the process, however that dies.
 */
function lockFor(file: string): Database.Database {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(`${file}.lock`, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const { code, message } = error as Error & { code?: string };
    if (code !== 'SQLITE_BUSY') throw new StoreError(`cannot use ${file}: ${message}`);
    throw new StoreError(
      `another scheduler is running on ${file}; stop it first, or give this one another dataDir`,
    );
  }
}

function migrate(db: Database.Database, file: string, existed: boolean): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length) {
    throw new StoreError(
      `${file} was written by a newer Secovia (schema ${version}, this program knows ${migrations.length}); install that version, or restore a backup`,
    );
  }
  if (existed) {
    const check = db.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') throw new StoreError(`${file} is damaged (${String(check)}); restore a backup`);
  }
  for (let step = version; step < migrations.length; step += 1) {
    db.transaction(() => {
      db.exec(migrations[step] as string);
      db.pragma(`user_version = ${step + 1}`);
    })();
  }
}
