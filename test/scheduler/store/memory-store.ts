/**
 * A store without a disk, for tests of what waits for it: a commit can be held back until the test lets it go, or be
 * made to fail. What is "on disk" outlives the store, so that a restart can be played. The store contract's suite
 * holds it to the same behaviour as the real one.
 */
import { chainHash, chainStart } from '../../../scheduler/store/sqlite/chain.js';
import {
  type Batch,
  type Journal,
  type JournalHead,
  type JournalPiece,
  type KeptRequest,
  type LoadHandlers,
  type SignedCheckpoint,
  type Store,
  StoreError,
} from '../../../scheduler/store/store.js';
import type { Epoch } from '../../../scheduler/core/model.js';
import { placeOf } from './batches.js';

/** What a power failure leaves. */
export class MemoryDisk {
  epoch: Epoch | null = null;
  head: JournalHead & { lastMs: number } = { sequence: 0, hash: chainStart, lastMs: 0 };
  readonly hashes = new Map<number, Buffer>();
  /** One text a batch. */
  readonly journal: string[] = [];
  readonly pieces: JournalPiece[] = [];
  readonly entities = new Map<string, Batch['puts'][number]>();
  readonly requests = new Map<number, KeptRequest>();
  readonly checkpoints: SignedCheckpoint[] = [];
}

export class MemoryStore implements Store {
  /** Batches in the order in which they were handed over. */
  readonly batches: Batch[] = [];
  /** While true, commits wait for `release`. */
  held = false;
  #release: (() => void) | null = null;
  #failure: Error | null = null;
  #underWay = false;
  #loaded = false;

  constructor(readonly disk: MemoryDisk = new MemoryDisk()) {}

  /** Lets the commit that waits go to disk. */
  release(): void {
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  /** The next commit, or the one that waits, fails; and every one after it. */
  fail(error: Error): void {
    this.#failure = error;
    this.release();
  }

  async load(handlers: LoadHandlers): Promise<JournalHead & { lastMs: number }> {
    const byRow = [...this.disk.entities.values()].sort((a, b) => a.row - b.row);
    for (const { kind, body } of byRow) handlers.onEntity(kind, body);
    for (const { reply: _, ...request } of [...this.disk.requests.values()].sort((a, b) => a.row - b.row)) {
      handlers.onRequest(request);
    }
    this.#loaded = true;
    return { ...this.disk.head };
  }

  async commit(batch: Batch): Promise<JournalHead> {
    if (!this.#loaded) throw new StoreError('the store is not loaded');
    if (this.#underWay) throw new StoreError('a commit is under way');
    this.#underWay = true;
    // The writer's thread gets a copy too.
    const copy = structuredClone(batch);
    this.batches.push(copy);
    await new Promise<void>((resolve) => {
      if (this.held) this.#release = resolve;
      else setImmediate(resolve);
    });
    this.#underWay = false;
    if (this.#failure === null) this.#failure = this.#write(copy);
    if (this.#failure !== null) throw new StoreError(`cannot write: ${this.#failure.message}`);
    const { sequence, hash } = this.disk.head;
    return { sequence, hash };
  }

  #write(batch: Batch): Error | null {
    const { disk } = this;
    const order = (epoch: Epoch) => epoch.incarnation * 2 ** 32 + epoch.counter;
    const known = disk.epoch;
    if (known !== null && order(known) >= order(batch.epoch) && known.instance !== batch.epoch.instance) {
      return new Error('another scheduler leads');
    }
    if (known !== null && order(known) > order(batch.epoch)) return new Error('another scheduler leads');
    if (batch.first !== disk.head.sequence + 1) return new Error('the batch does not follow');
    disk.epoch = batch.epoch;
    const hash = chainHash(disk.head.hash, batch.first, batch.last, batch.journal.join(''));
    disk.head = { sequence: batch.last, hash, lastMs: batch.atMs };
    disk.hashes.set(batch.last, hash);
    disk.journal.push(batch.journal.join(''));
    disk.pieces.push({
      first: batch.first,
      last: batch.last,
      text: Buffer.from(batch.journal.join('')),
    });
    for (const put of batch.puts) disk.entities.set(placeOf(put), put);
    for (const gone of batch.deletes) disk.entities.delete(placeOf(gone));
    for (const row of [...disk.requests.keys()]) {
      if (row < batch.forgetRequestsBefore) disk.requests.delete(row);
    }
    for (const request of batch.requests) disk.requests.set(request.row, request);
    return null;
  }

  reply(row: number): Buffer | null {
    const kept = this.disk.requests.get(row);
    return kept === undefined ? null : Buffer.from(kept.reply);
  }

  hashAt(sequence: number): Buffer | null {
    return this.disk.hashes.get(sequence) ?? null;
  }

  archivedIncarnationAt(): number | null {
    return null;
  }

  keepCheckpoint(checkpoint: SignedCheckpoint): void {
    this.disk.checkpoints.push(checkpoint);
  }

  async close(): Promise<void> {
    this.#loaded = false;
  }
}

export class MemoryJournal implements Journal {
  constructor(private readonly disk: MemoryDisk) {}

  *pieces(upTo: number): Generator<JournalPiece> {
    for (const piece of this.disk.pieces) if (piece.last <= upTo) yield piece;
  }

  openingAt(): null {
    return null;
  }

  headWith(sequence: number): JournalHead {
    const last = this.disk.pieces.find((piece) => piece.last >= sequence)?.last ?? 0;
    return sequence < 1
      ? { sequence: 0, hash: chainStart }
      : { sequence: last, hash: this.disk.hashes.get(last) ?? chainStart };
  }

  close(): void {}
}
