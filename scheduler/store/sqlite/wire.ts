/**
 * A batch on its way to the writer's thread. A structured clone pays for every object and every string, and copies the
 * whole pool that a small buffer was cut from; so all texts travel as one, with where each ends, and all answers as one
 * buffer that changes hands.
 */
import type { EntityKind } from '../../core/touched.js';
import type { Batch } from '../store.js';
import { type KeptRow, keptRow } from './kept-requests.js';

export interface WireBatch {
  epoch: Batch['epoch'];
  first: number;
  last: number;
  atMs: number;
  /** Journal, then the bodies of puts. */
  text: string;
  ends: number[];
  putKinds: EntityKind[];
  /** Empty for kinds that are kept by row. */
  putKeys: string[];
  putRows: number[];
  deletes: Batch['deletes'];
  kept: KeptRow | null;
  forgetRequestsBefore: number;
}

/** Kinds with a table of their own, which are found by row. */
export function isKeptByRow(kind: EntityKind): kind is 'vm' | 'operation' {
  return kind === 'vm' || kind === 'operation';
}

export function toWire(batch: Batch): WireBatch {
  const { epoch, first, last, atMs, deletes, forgetRequestsBefore, puts, requests } = batch;
  const texts = [batch.journal];
  for (const { body } of puts) texts.push(body);
  const ends: number[] = [];
  let end = 0;
  for (const text of texts) {
    end += text.length;
    ends.push(end);
  }
  return {
    epoch,
    first,
    last,
    atMs,
    text: texts.join(''),
    ends,
    putKinds: puts.map(({ kind }) => kind),
    putKeys: puts.map(({ kind, key }) => (isKeptByRow(kind) ? '' : key)),
    putRows: puts.map(({ row }) => row),
    deletes,
    kept: keptRow(requests),
    forgetRequestsBefore,
  };
}

/** Hands out the texts of a batch in their order. */
export class WireTexts {
  #next = 0;
  #from = 0;

  constructor(private readonly batch: WireBatch) {}

  next(): string {
    const end = this.batch.ends[this.#next] as number;
    const text = this.batch.text.slice(this.#from, end);
    this.#next += 1;
    this.#from = end;
    return text;
  }
}
