/**
 * Calls that were refused, for the record. Those that are alike (who, for whom, what, and why not) are counted as one, and
 * what was counted is written together: a minute after the first of them, and when they go on ever less often. Above some
 * hundred kinds the rest is one more, so that nobody can fill memory or disk by being refused.
 */
import type { Caller } from '../core/access/caller.js';
import type { RefusedAttempts } from '../core/audit/attempts.js';
import type { Refusal } from '../core/refusal.js';
import { cutText } from '../core/text.js';
import type { Engine } from '../engine.js';

export const mostKinds = 500;
export const soonMs = 60_000;
export const longestMs = 600_000;
const longestText = 300;

export interface Attempts {
  /** `caller` is null when it is not known who called; `method` is its path, as `/secovia.v1.VmService/CreateVm`. */
  note(caller: Caller | null, method: string, refusal: Refusal): void;
}

export class CountedAttempts implements Attempts {
  readonly #engine: Engine;
  readonly #kinds = new Map<string, RefusedAttempts>();
  #others: RefusedAttempts | null = null;
  #callOff: (() => void) | null = null;
  #waitMs = soonMs;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  note(caller: Caller | null, method: string, { kind, reason }: Refusal): void {
    // The scheduler's own trouble is nobody's attempt.
    if (kind === 'unavailable') return;
    const nowMs = this.#engine.now();
    const { identity, onBehalf } = caller ?? { identity: 'nobody', onBehalf: '' };
    this.#count(
      cutText(identity, longestText),
      cutText(onBehalf, longestText),
      method.slice(1),
      reason,
      nowMs,
    );
    this.#arm(nowMs);
  }

  #count(identity: string, onBehalf: string, method: string, reason: string, nowMs: number): void {
    const key = [identity, onBehalf, method, reason].join('\n');
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      const fresh = { identity, onBehalf, method, reason, count: 0, firstMs: nowMs, lastMs: nowMs };
      if (this.#kinds.size < mostKinds) {
        kind = fresh;
        this.#kinds.set(key, kind);
      } else {
        this.#others ??= { ...fresh, identity: '', onBehalf: '', method: '', reason: '' };
        kind = this.#others;
      }
    }
    kind.count += 1;
    kind.lastMs = nowMs;
  }

  #arm(nowMs: number): void {
    if (this.#callOff !== null) return;
    const goesOn = nowMs - this.#writtenMs < 2 * this.#waitMs;
    this.#waitMs = goesOn ? Math.min(this.#waitMs * 2, longestMs) : soonMs;
    this.#callOff = this.#engine.timers.after(this.#waitMs, () => this.flush());
  }

  /** Has what was counted so far written into the journal; to be called before a planned stop too. */
  flush(): void {
    this.#callOff?.();
    this.#callOff = null;
    const entries = [...this.#kinds.values(), ...(this.#others === null ? [] : [this.#others])];
    if (entries.length === 0) return;
    this.#kinds.clear();
    this.#others = null;
    this.#writtenMs = this.#engine.now();
    this.#engine.run({ type: 'attempts.note', entries });
  }
}
