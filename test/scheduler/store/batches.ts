/** Batches as the engine would make them, with plain defaults for what a test does not care about. */
import type { Epoch } from '../../../scheduler/core/model.js';
import type { EntityKind } from '../../../scheduler/core/touched.js';
import { isKeptByRow } from '../../../scheduler/store/store.js';
import type { Batch, EntityRow, KeptRequest, LoadedRequest, Store } from '../../../scheduler/store/store.js';

export const firstEpoch: Epoch = { incarnation: 1, counter: 1, instance: 'first' };

/** A batch of one decision at this sequence. */
export function batch(sequence: number, change: Partial<Batch> = {}): Batch {
  return {
    epoch: firstEpoch,
    first: sequence,
    last: sequence,
    atMs: 1000 + sequence,
    journal: [JSON.stringify([1000 + sequence, []])],
    puts: [],
    deletes: [],
    requests: [],
    forgetRequestsBefore: 0,
    ...change,
  };
}

export function put(kind: EntityKind, key: string, row = 0, more: object = {}) {
  return { kind, key, row, body: JSON.stringify({ id: key, row, ...more }) };
}

/** Where a store without tables keeps an entity. */
export function placeOf({ kind, key, row }: EntityRow): string {
  return `${kind}/${isKeptByRow(kind) ? row : key}`;
}

export function request(row: number, change: Partial<KeptRequest> = {}): KeptRequest {
  return {
    row,
    caller: 'anonymous',
    method: '/secovia.v1.VmService/CreateVm',
    id: `id-${row}`,
    hash: `hash-${row}`,
    reply: Buffer.from([row, 0, 255]),
    atMs: 1000 + row,
    ...change,
  };
}

export interface Content {
  head: { sequence: number; hash: string; lastMs: number };
  entities: [EntityKind, Record<string, unknown>][];
  /** Lines of the journal after the entities. */
  decisions: string[];
  requests: LoadedRequest[];
}

/** Loads a store, and says what was in it. */
export async function contentOf(store: Store): Promise<Content> {
  const entities: Content['entities'] = [];
  const decisions: string[] = [];
  const requests: LoadedRequest[] = [];
  const { sequence, hash, lastMs } = await store.load({
    onEntity: (kind, body) => entities.push([kind, JSON.parse(body)]),
    onDecision: (line) => decisions.push(line),
    onRequest: (kept) => requests.push(kept),
  });
  return { head: { sequence, hash: hash.toString('hex'), lastMs }, entities, decisions, requests };
}
