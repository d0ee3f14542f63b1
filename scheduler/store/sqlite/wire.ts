/**
 * A batch on its way to the writer's thread. A structured clone pays for every object and every string, and joining
 * texts makes each of them once more; so all of them are written into one buffer, which changes hands, with where each
 * ends.
 */
import { type EntityKind, entityKinds } from '../../core/touched.js';
import type { Batch } from '../store.js';
import { keptEntries } from './kept-requests.js';

export interface WireBatch {
  epoch: Batch['epoch'];
  first: number;
  last: number;
  atMs: number;
  /** The journal, the bodies of puts, and where any are kept, the entries and the answers of requests. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Where each of these ends. */
  ends: Uint32Array;
  /** Indexes of `entityKinds`. */
  putKinds: Uint8Array;
  putRows: Float64Array;
  /** Of the puts whose kind is not kept by row, in order. */
  putKeys: string[];
  deletes: Batch['deletes'];
  /** First and last row of the requests that are kept. */
  kept: { first: number; last: number } | null;
  forgetRequestsBefore: number;
}

/** Kinds with a table of their own, which are found by row. */
export function isKeptByRow(kind: EntityKind): kind is 'vm' | 'operation' {
  return kind === 'vm' || kind === 'operation';
}

export function toWire(batch: Batch): WireBatch {
  const { epoch, first, last, atMs, deletes, forgetRequestsBefore, puts, requests } = batch;
  const ends = new Uint32Array(1 + puts.length + (requests.length > 0 ? 2 : 0));
  const putKinds = new Uint8Array(puts.length);
  const putRows = new Float64Array(puts.length);
  const putKeys: string[] = [];
  scratch.clear();
  for (const piece of batch.journal) scratch.text(piece);
  ends[0] = scratch.length;
  for (let index = 0; index < puts.length; index += 1) {
    const { kind, key, row, body } = puts[index] as Batch['puts'][number];
    scratch.text(body);
    ends[index + 1] = scratch.length;
    putKinds[index] = entityKinds.indexOf(kind);
    putRows[index] = row;
    if (!isKeptByRow(kind)) putKeys.push(key);
  }
  if (requests.length > 0) {
    scratch.text(keptEntries(requests));
    ends[puts.length + 1] = scratch.length;
    for (const { reply } of requests) scratch.bytes(reply);
    ends[puts.length + 2] = scratch.length;
  }
  const [oldest, newest] = [requests[0], requests.at(-1)];
  return {
    epoch,
    first,
    last,
    atMs,
    bytes: scratch.copy(),
    ends,
    putKinds,
    putRows,
    putKeys,
    deletes,
    kept: oldest && newest ? { first: oldest.row, last: newest.row } : null,
    forgetRequestsBefore,
  };
}

/** Hands out what is in a batch's bytes, in its order. */
export class WireParts {
  #next = 0;
  #from = 0;
  readonly #bytes: Buffer;

  constructor(private readonly batch: WireBatch) {
    this.#bytes = Buffer.from(batch.bytes.buffer);
  }

  next(): Buffer {
    const end = this.batch.ends[this.#next] as number;
    const part = this.#bytes.subarray(this.#from, end);
    this.#next += 1;
    this.#from = end;
    return part;
  }
}

/** A buffer that grows, for what is put together before its size is known. */
class Scratch {
  #buffer = Buffer.allocUnsafeSlow(1 << 20);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  text(text: string): void {
    // A UTF-16 unit has three bytes at most.
    this.#reserve(text.length * 3);
    this.length += this.#buffer.write(text, this.length, 'utf8');
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.subarray(0, this.length));
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const longer = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.length + bytes));
    this.#buffer.copy(longer, 0, 0, this.length);
    this.#buffer = longer;
  }
}

const scratch = new Scratch();
