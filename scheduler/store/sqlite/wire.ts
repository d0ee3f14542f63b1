/**
 * A batch on its way to the writer's thread. A message to another thread pays for every object, every string and every
 * buffer in it, and joining texts makes each of them once more. So what is to be written lies in memory that both threads
 * share, and the message says little more than that it is there. What a decision has made is in the journal as it is to be
 * saved, so it lies there once. One batch is under way at a time, so the memory is the writer's from the message to its receipt.
 */
import { type EntityKind, entityKinds } from '../../core/touched.js';
import { type Batch, isKeptByRow } from '../store.js';
import { answersOfRow, keptEntries } from './kept-requests.js';

/** Of each part: where it begins and ends, and of a put its kind, as an index of `entityKinds`, and its row. */
const numbersOfPart = 4;

const firstBytes = 1 << 20;
const firstParts = 1 << 10;

export interface WireBatch {
  epoch: Batch['epoch'];
  first: number;
  last: number;
  atMs: number;
  puts: number;
  /** Of the puts whose kind is not kept by row, in order. */
  keys: string[];
  deletes: Batch['deletes'];
  /** First and last row of the requests that are kept, of each row that they become. */
  kept: { first: number; last: number }[];
  forgetRequestsBefore: number;
  /** How much of the shared memory it takes. */
  length: number;
  /** The shared memory, when it is another than before. */
  memory: WireMemory | null;
}

export interface WireMemory {
  /** The journal, the bodies of puts that are not in it, and where any are kept, the entries and the answers of requests. */
  bytes: SharedArrayBuffer;
  /** Float64: `numbersOfPart` for the journal, each put, and the entries and the answers. */
  parts: SharedArrayBuffer;
}

/** The sending end. */
export class WireSender {
  #memory: WireMemory = {
    bytes: new SharedArrayBuffer(firstBytes),
    parts: new SharedArrayBuffer(firstParts * numbersOfPart * 8),
  };
  #bytes = Buffer.from(this.#memory.bytes);
  #parts = new Float64Array(this.#memory.parts);
  #end = 0;
  #count = 0;
  /** Where the pieces of the journal begin. */
  readonly #pieces: number[] = [];
  /** The writer does not know the memory yet. */
  #replaced = true;

  /** Puts a batch into the shared memory; the last one must have been received. */
  send({ journal, puts, requests, ...batch }: Batch): WireBatch {
    this.#end = 0;
    this.#count = 0;
    const keys: string[] = [];
    const pieces = this.#pieces;
    for (let piece = 0; piece < journal.length; piece += 1) {
      pieces[piece] = this.#end;
      this.#text(journal[piece] as string);
    }
    pieces[journal.length] = this.#end;
    this.#part(0, this.#end);
    for (const { kind, key, row, body, piece } of puts) {
      const start = piece === undefined ? this.#end : (pieces[piece] as number);
      if (piece === undefined) this.#text(body);
      const end = piece === undefined ? this.#end : (pieces[piece + 1] as number);
      this.#part(start, end, entityKinds.indexOf(kind), row);
      if (!isKeptByRow(kind)) keys.push(key);
    }
    const kept: WireBatch['kept'] = [];
    for (let at = 0; at < requests.length; at += answersOfRow) {
      const some = requests.slice(at, at + answersOfRow);
      const entries = this.#end;
      this.#text(keptEntries(some));
      const replies = this.#end;
      for (const { reply } of some) this.#add(reply);
      this.#part(entries, replies);
      this.#part(replies, this.#end);
      kept.push({ first: some[0]?.row ?? 0, last: some.at(-1)?.row ?? 0 });
    }
    const { epoch, first, last, atMs, deletes, forgetRequestsBefore } = batch;
    const memory = this.#replaced ? this.#memory : null;
    this.#replaced = false;
    const about = { epoch, first, last, atMs, deletes, forgetRequestsBefore };
    return { ...about, puts: puts.length, keys, kept, length: this.#end, memory };
  }

  #text(text: string): void {
    // A UTF-16 unit has three bytes at most.
    this.#reserve(text.length * 3);
    this.#end += this.#bytes.write(text, this.#end, 'utf8');
  }

  #add(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #part(start: number, end: number, kind = 0, row = 0): void {
    const at = this.#count * numbersOfPart;
    if (at === this.#parts.length) this.#replace(this.#bytes.length, this.#parts.length * 2);
    this.#parts[at] = start;
    this.#parts[at + 1] = end;
    this.#parts[at + 2] = kind;
    this.#parts[at + 3] = row;
    this.#count += 1;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed > this.#bytes.length)
      this.#replace(Math.max(this.#bytes.length * 2, needed), this.#parts.length);
  }

  #replace(bytes: number, parts: number): void {
    const before = { bytes: this.#bytes, parts: this.#parts };
    this.#memory = { bytes: new SharedArrayBuffer(bytes), parts: new SharedArrayBuffer(parts * 8) };
    this.#bytes = Buffer.from(this.#memory.bytes);
    this.#parts = new Float64Array(this.#memory.parts);
    before.bytes.copy(this.#bytes, 0, 0, this.#end);
    this.#parts.set(before.parts);
    this.#replaced = true;
  }
}

/** The receiving end: hands out the parts of a batch in their order. */
export class WireReceiver {
  #shared: Buffer = Buffer.alloc(0);
  #parts: Float64Array = new Float64Array(0);
  /** What this batch has there, copied: entities wait for longer than the memory is the writer's. */
  #bytes: Buffer = Buffer.alloc(0);
  #next = 0;

  begin({ memory, length }: WireBatch): void {
    if (memory !== null) {
      this.#shared = Buffer.from(memory.bytes);
      this.#parts = new Float64Array(memory.parts);
    }
    this.#bytes = Buffer.allocUnsafeSlow(length);
    this.#shared.copy(this.#bytes, 0, 0, length);
    this.#next = 0;
  }

  next(): Buffer {
    const at = this.#next * numbersOfPart;
    this.#next += 1;
    return this.#bytes.subarray(this.#parts[at] as number, this.#parts[at + 1] as number);
  }

  /** The next part as a put. */
  nextPut(): { kind: EntityKind; row: number; body: Buffer } {
    const at = this.#next * numbersOfPart;
    const kind = entityKinds[this.#parts[at + 2] as number] as EntityKind;
    return { kind, row: this.#parts[at + 3] as number, body: this.next() };
  }
}
