/**
 * How many calls a second one caller may make, as a bucket for each: it holds what may be used at once, and fills up with
 * time. Fair turns keep a busy caller from holding others up; this keeps one from using the scheduler up.
 */

/** Seconds of its rate that a caller may use at once. */
const burstSeconds = 2;

/** Buckets that are looked after; beyond it full ones are forgotten, which are as good as new. */
const mostBuckets = 20_000;

interface Bucket {
  left: number;
  atMs: number;
}

export class Rates {
  readonly #buckets = new Map<string, Bucket>();

  /** `uptimeMs` is from a clock that nobody sets. */
  constructor(private readonly uptimeMs: () => number) {}

  /** Buckets that are looked after. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a call of this cost. Gives 0, or in how many milliseconds it would be allowed. */
  take(caller: string, perSecond: number, cost: number): number {
    const nowMs = this.uptimeMs();
    const most = perSecond * burstSeconds;
    let bucket = this.#buckets.get(caller);
    if (bucket === undefined) {
      if (this.#buckets.size >= mostBuckets) this.#forgetFull(nowMs);
      bucket = { left: most, atMs: nowMs };
      this.#buckets.set(caller, bucket);
    }
    bucket.left = Math.min(most, bucket.left + ((nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    // What costs more than a bucket holds is let through when the bucket is full, and paid off afterwards.
    if (bucket.left >= Math.min(cost, most)) {
      bucket.left -= cost;
      return 0;
    }
    return Math.ceil(((Math.min(cost, most) - bucket.left) * 1000) / perSecond);
  }

  #forgetFull(nowMs: number): void {
    for (const [caller, { atMs }] of this.#buckets) {
      if (nowMs - atMs >= burstSeconds * 1000) this.#buckets.delete(caller);
    }
    // All of them are busy: strangers share what is left, rather than memory growing without end.
    if (this.#buckets.size >= mostBuckets) this.#buckets.clear();
  }
}
