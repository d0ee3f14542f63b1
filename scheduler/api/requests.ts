/**
 * Asking twice gives the first success (PROTOCOL S3): the calls of the last day by caller, method and request id,
 * with what they asked. The answers themselves are in the store; only those still on their way to it are here.
 */
import { Fifo } from '../core/fifo.js';
import { ShardedMap } from '../core/sharded-map.js';
import type { KeptRequest, LoadedRequest, Store } from '../store/store.js';

/** A call's answer is kept this long. */
export const requestKeptMs = 24 * 3600 * 1000;

/** Calls that are remembered for one caller; beyond it the oldest are forgotten early. */
export const requestsPerCaller = 100_000;

/** How many rows are added before it is worth a look which old ones nobody asks for any more. */
const rowsBetweenLooks = 100;

interface Known {
  method: string;
  id: string;
  row: number;
  hash: string;
  /** To be durable before the answer may be given again. */
  sequence: number;
  /** The answer, until it is in the store. */
  reply: Buffer | null;
  atMs: number;
}

export type Earlier =
  | { kind: 'new' }
  | { kind: 'other_content' }
  | { kind: 'repeat'; sequence: number; reply(): Buffer | null };

/** A success to be remembered. */
export interface Success {
  caller: string;
  method: string;
  id: string;
  hash: string;
  sequence: number;
  reply: Buffer;
  atMs: number;
}

/** The calls of one caller, and the order in which they came. */
class Calls {
  readonly #byMethod = new Map<string, ShardedMap<Known>>();
  readonly #order = new Fifo<Known>();

  find(method: string, id: string): Known | undefined {
    return this.#byMethod.get(method)?.get(id);
  }

  add(known: Known): void {
    let calls = this.#byMethod.get(known.method);
    if (calls === undefined) {
      calls = new ShardedMap(({ id }) => id);
      this.#byMethod.set(known.method, calls);
    }
    calls.set(known);
    this.#order.push(known);
  }

  /** The row of the oldest that is remembered. */
  get oldestRow(): number | undefined {
    return this.#order.peek()?.row;
  }

  forget(nowMs: number): void {
    for (let oldest = this.#order.peek(); oldest !== undefined; oldest = this.#order.peek()) {
      if (this.#order.length <= requestsPerCaller && oldest.atMs >= nowMs - requestKeptMs) return;
      this.#order.shift();
      // An id that was used again after its day belongs to the newer call.
      const calls = this.#byMethod.get(oldest.method);
      if (calls?.get(oldest.id) === oldest) calls.delete(oldest.id);
    }
  }
}

export class Requests {
  readonly #byCaller = new Map<string, Calls>();
  readonly #store: Pick<Store, 'reply'>;
  #lastRow = 0;

  constructor(store: Pick<Store, 'reply'>, loaded: readonly LoadedRequest[]) {
    this.#store = store;
    for (const { row, caller, method, id, hash, atMs } of loaded) {
      this.#of(caller).add({ method, id, row, hash, sequence: 0, reply: null, atMs });
      this.#of(caller).forget(atMs);
      this.#lastRow = row;
    }
  }

  /** How many callers are remembered. */
  get callers(): number {
    return this.#byCaller.size;
  }

  find(caller: string, method: string, id: string, hash: string, nowMs: number): Earlier {
    const known = this.#byCaller.get(caller)?.find(method, id);
    if (known === undefined || known.atMs < nowMs - requestKeptMs) return { kind: 'new' };
    if (known.hash !== hash) return { kind: 'other_content' };
    return {
      kind: 'repeat',
      sequence: known.sequence,
      reply: () => known.reply ?? this.#store.reply(known.row),
    };
  }

  /** Remembers a success. `stored` is to be called when the kept row is in the store. */
  remember(success: Success): { kept: KeptRequest; forgetBefore: number; stored(): void } {
    const { caller, method, id, hash, sequence, reply, atMs } = success;
    const calls = this.#of(caller);
    this.#lastRow += 1;
    const known: Known = { method, id, row: this.#lastRow, hash, sequence, reply, atMs };
    calls.add(known);
    calls.forget(atMs);
    return {
      kept: { row: known.row, caller, method, id, hash, reply, atMs },
      forgetBefore: this.#forgetBefore(atMs),
      stored: () => {
        known.reply = null;
      },
    };
  }

  /** The row below which nothing is remembered any more; 0 when it was not looked. */
  #forgetBefore(nowMs: number): number {
    if (this.#lastRow % rowsBetweenLooks !== 0) return 0;
    let oldest = this.#lastRow;
    for (const [caller, calls] of this.#byCaller) {
      calls.forget(nowMs);
      // Each user of a portal is one.
      if (calls.oldestRow === undefined) this.#byCaller.delete(caller);
      oldest = Math.min(oldest, calls.oldestRow ?? oldest);
    }
    return oldest;
  }

  #of(caller: string): Calls {
    let calls = this.#byCaller.get(caller);
    if (calls === undefined) {
      calls = new Calls();
      this.#byCaller.set(caller, calls);
    }
    return calls;
  }
}
