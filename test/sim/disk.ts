/**
 * The scheduler's disk: what a power failure leaves. Entities are saved now and then and the journal at once, as the real
 * store does it, so that each start reads a snapshot and the tail that follows it. A disk can be copied, which is what a
 * backup is, and what somebody makes who copies a database.
 */
import type { Epoch } from '../../scheduler/core/model.js';
import { chainHash, chainStart } from '../../scheduler/store/sqlite/chain.js';
import {
  type Batch,
  type Journal,
  type JournalHead,
  type KeptRequest,
  type LoadHandlers,
  type SignedCheckpoint,
  StoreError,
} from '../../scheduler/store/store.js';
import { placeOf } from '../scheduler/store/batches.js';

type Entity = Batch['puts'][number];

/** One group commit. */
export interface Group {
  first: number;
  last: number;
  text: string;
}

/** Entities are saved after so many groups. */
const groupsBetweenSaves = 40;

export class Disk {
  epoch: Epoch | null = null;
  head: JournalHead & { lastMs: number } = { sequence: 0, hash: chainStart, lastMs: 0 };
  groups: Group[] = [];
  checkpoints: SignedCheckpoint[] = [];
  #hashes = new Map<number, Buffer>();
  #entities = new Map<string, Entity>();
  /** Groups that the entities are behind. */
  #unsaved: Batch[] = [];
  #requests = new Map<number, KeptRequest>();
  /** Told of each group when it is on the disk. */
  onGroup: (group: Group) => void = () => {};

  copy(): Disk {
    const copy = new Disk();
    copy.epoch = this.epoch;
    copy.head = this.head;
    copy.groups = [...this.groups];
    copy.checkpoints = [...this.checkpoints];
    copy.#hashes = new Map(this.#hashes);
    copy.#entities = new Map(this.#entities);
    copy.#unsaved = [...this.#unsaved];
    copy.#requests = new Map(this.#requests);
    return copy;
  }

  /** @throws StoreError when the batch is not the next one, or of a scheduler that leads no more. */
  write(batch: Batch): JournalHead {
    if (!this.#follows(batch.epoch)) throw new StoreError('another scheduler leads');
    if (batch.first !== this.head.sequence + 1) throw new StoreError('the batch does not follow');
    this.epoch = batch.epoch;
    const text = batch.journal.join('');
    const hash = chainHash(this.head.hash, batch.first, batch.last, text);
    this.head = { sequence: batch.last, hash, lastMs: batch.atMs };
    this.#hashes.set(batch.last, hash);
    const group = { first: batch.first, last: batch.last, text };
    this.groups.push(group);
    this.#unsaved.push(batch);
    if (this.#unsaved.length >= groupsBetweenSaves) this.save();
    if (batch.forgetRequestsBefore > 0) {
      for (const row of this.#requests.keys())
        if (row < batch.forgetRequestsBefore) this.#requests.delete(row);
    }
    for (const request of batch.requests) this.#requests.set(request.row, request);
    this.onGroup(group);
    return { sequence: batch.last, hash };
  }

  load(handlers: LoadHandlers): JournalHead & { lastMs: number } {
    const byRow = [...this.#entities.values()].sort((a, b) => a.row - b.row);
    for (const { kind, body } of byRow) handlers.onEntity(kind, body);
    for (const { journal } of this.#unsaved) journal.join('').split('\n').forEach(handlers.onDecision);
    for (const { reply: _, ...request } of this.#requests.values()) handlers.onRequest(request);
    return { ...this.head };
  }

  reply(row: number): Buffer | null {
    const kept = this.#requests.get(row);
    return kept === undefined ? null : Buffer.from(kept.reply);
  }

  hashAt(sequence: number): Buffer | null {
    return this.#hashes.get(sequence) ?? null;
  }

  /** Brings the entities up to the journal, as a planned end does. */
  save(): void {
    for (const { puts, deletes } of this.#unsaved) {
      for (const put of puts) this.#entities.set(placeOf(put), put);
      for (const gone of deletes) this.#entities.delete(placeOf(gone));
    }
    this.#unsaved = [];
  }

  /** Reads the journal beside the store that writes it. */
  journal(): Journal {
    const { groups } = this;
    return {
      *pieces(upTo) {
        for (const { first, last, text } of groups)
          if (last <= upTo) yield { first, last, text: Buffer.from(text) };
      },
      openingAt: () => null,
      headWith: (sequence) => {
        const group = groups.find(({ first, last }) => first <= sequence && sequence <= last);
        if (group === undefined) return { sequence: 0, hash: chainStart };
        return { sequence: group.last, hash: this.#hashes.get(group.last) as Buffer };
      },
      close: () => {},
    };
  }

  /** An epoch may go on, or be followed by a higher one. */
  #follows(epoch: Epoch): boolean {
    const known = this.epoch;
    if (known === null) return true;
    const higher = epoch.incarnation - known.incarnation || epoch.counter - known.counter;
    return higher > 0 || (higher === 0 && epoch.instance === known.instance);
  }
}
