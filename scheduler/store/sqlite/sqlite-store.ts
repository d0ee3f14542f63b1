/**
 * The embedded store: one SQLite file in WAL mode with full sync. Reading at the start and looking up kept replies
 * happen here; writing happens on a thread of its own (`writer.ts`).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import {
  type Batch,
  type JournalHead,
  type LoadHandlers,
  type SignedCheckpoint,
  type Store,
  StoreError,
} from '../store.js';
import { ArchivedBatches, hashIn } from './archive/archived-batches.js';
import { brokenSegments, segmentsIn } from './archive/segments.js';
import { damaged } from './damage.js';
import { readEntitiesOnThread } from './entity-reader.js';
import { savedSequence } from './entity-tables.js';
import { foldLog } from './fold.js';
import {
  brokenKept,
  forgottenBefore,
  hasEntriesOf,
  isWhole,
  type KeptRow,
  replyIn,
  requestsIn,
} from './kept-requests.js';
import { lockFor } from './lock.js';
import { brokenMeta, Meta } from './meta.js';
import { keepToOwner } from './owner.js';
import { isBackup, migrate, newestSchema, refuseNewer, schemaOf } from './schema.js';
import { entitiesStamp } from './sums.js';
import { verifyTail } from './tail.js';
import { WireSender } from './wire.js';

/** A commit appends tens of kilobytes: fewer, larger pages are fewer writes. */
const pageBytes = 8192;

type FromWriter =
  | { ready: true }
  | { closed: true }
  | { error: string }
  | { sequence: number; hash: Uint8Array };

export interface Opening {
  /** Called before a file of an older schema is migrated; if it throws, the file stays as it is. */
  beforeMigration?: (schema: number) => void;
}

export class SqliteStore implements Store {
  readonly #file: string;
  readonly #lock: Database.Database;
  readonly #db: Database.Database;
  readonly #meta: Meta;
  /** What of the journal is elsewhere; it does not change while the store is open. */
  #archived: ArchivedBatches;
  #writer: Worker | null = null;
  readonly #wire = new WireSender();
  /**
   * Told when nothing can be written any more and no commit waits to hear of it: entities and checkpoints are written in between,
   * and whoever leads on with such a store would only notice at the next commit, which may be hours later.
   */
  onBroken: (error: StoreError) => void = () => {};
  /** Why nothing is written any more. */
  #broken: StoreError | null = null;
  #waiting: { resolve(head: JournalHead): void; reject(error: Error): void } | null = null;

  /**
   * Opens the file, making or migrating it as needed.
   *
   * @throws StoreError when another process has it, when it is newer than this program or a backup, or cannot be read.
   */
  constructor(file: string, { beforeMigration = () => {} }: Opening = {}) {
    this.#file = file;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new StoreError(`cannot use ${file}: ${(error as Error).message}`);
    }
    this.#lock = lockFor(file);
    this.#archived = new ArchivedBatches(file, []);
    const existed = existsSync(file);
    let db: Database.Database | undefined;
    try {
      keepToOwner(file);
      this.#db = db = new Database(file);
      if (!existed) this.#db.pragma(`page_size = ${pageBytes}`);
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      if (existed) {
        foldLog(this.#db, file);
        this.#examine(beforeMigration);
      }
      migrate(this.#db);
      this.#meta = new Meta(this.#db);
    } catch (error) {
      db?.close();
      this.#lock.close();
      if (error instanceof StoreError) throw error;
      throw new StoreError(`cannot open ${file}: ${(error as Error).message}`);
    }
  }

  /**
   * Whether a file that was there can be worked with. What is in it is looked at as it is read: the journal may be as large
   * as the disk, and to go through all its pages would take longer than all else that a start does.
   */
  #examine(beforeMigration: (schema: number) => void): void {
    const schema = schemaOf(this.#db);
    refuseNewer(this.#file, schema);
    if (isBackup(this.#db)) {
      throw new StoreError(
        `${this.#file} is a backup, and nobody may go on from it as it is; say: secovia-scheduler restore FILE --data-dir FOLDER`,
      );
    }
    if (schema > 0 && schema < newestSchema) beforeMigration(schema);
  }

  async load(handlers: LoadHandlers): Promise<JournalHead & { lastMs: number }> {
    let head: JournalHead & { lastMs: number };
    try {
      for (const key of [savedSequence, forgottenBefore, entitiesStamp, 'epoch']) {
        if (!this.#meta.isWhole(key)) this.#refuse(brokenMeta(key));
      }
      for (const what of brokenSegments(this.#db)) this.#refuse(what);
      this.#archived = new ArchivedBatches(this.#file, segmentsIn(this.#db));
      head = verifyTail(this.#db, this.#saved, this.#archived.base, (what) => this.#refuse(what));
      await this.#read(handlers);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      throw damaged(this.#file, error.message);
    }
    await this.#startWriter(head);
    return head;
  }

  async #read(handlers: LoadHandlers): Promise<void> {
    await readEntitiesOnThread(
      this.#file,
      (kind, body) => handlers.onEntity(kind, body),
      (what) => this.#refuse(what),
    );
    const journal = this.#db.prepare<[number], string>(
      'SELECT body FROM journal WHERE last > ? ORDER BY last',
    );
    for (const body of journal.pluck().iterate(this.#saved)) {
      for (const line of body.split('\n')) handlers.onDecision(line);
    }
    const kept = this.#db.prepare<[], Omit<KeptRow, 'replies'>>(
      'SELECT first, last, entries, entries_sum, replies_sum FROM request ORDER BY first',
    );
    const from = this.#firstKept();
    for (const row of kept.iterate()) {
      if (!hasEntriesOf(row)) this.#refuse(brokenKept(row));
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
      .prepare<[number], KeptRow>('SELECT * FROM request WHERE first <= ? ORDER BY first DESC LIMIT 1')
      .get(row);
    if (kept === undefined) return null;
    if (!isWhole(kept)) this.#refuse(brokenKept(kept));
    return replyIn(kept, row);
  }

  /** The lowest row whose answer is still kept. */
  #firstKept(): number {
    return Number(this.#meta.get(forgottenBefore) ?? 0);
  }

  /** The sequence that the entities are of. */
  get #saved(): number {
    return Number(this.#meta.get(savedSequence) ?? 0);
  }

  #refuse(what: string): never {
    throw damaged(this.#file, what);
  }

  hashAt(sequence: number): Buffer | null {
    if (this.#archived.has(sequence)) return this.#archived.hashAt(sequence);
    return hashIn(this.#db, sequence);
  }

  archivedIncarnationAt(sequence: number): number | null {
    return this.#archived.incarnationAt(sequence);
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
    const isKnown = this.#broken !== null;
    this.#broken ??= new StoreError(`cannot write ${this.#file}: ${error.message}`);
    const waiting = this.#waiting;
    this.#waiting = null;
    const isClosing = this.#writer === null;
    if (waiting !== null) waiting.reject(this.#broken);
    else if (!isKnown && !isClosing) this.onBroken(this.#broken);
  }
}
