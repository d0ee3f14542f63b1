/**
 * When a certificate is renewed, and what is said of it meanwhile. Pure: the time and chance are handed in, and the
 * calls are made by the renewer.
 */

/** In milliseconds of the wall clock. */
export interface Validity {
  startMs: number;
  endMs: number;
}

export interface CertificateStanding {
  endMs: number;
  /** When it is tried next. */
  nextMs: number;
  /** Why the last try failed; empty when it did not. */
  error: string;
  /** A sentence, when somebody should look. */
  trouble: string | null;
}

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
/** Until then a certificate that has ended may be renewed. */
export const renewableMs = 30 * day;

const share = 2 / 3;
/** Hosts that joined together renew apart. */
const jitter = 0.05;

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

export class RenewalPlan {
  #validity: Validity;
  #nextMs: number;
  #failures = 0;
  #error = '';

  /** `random` is uniform in [0, 1), here and below. */
  constructor(validity: Validity, random: number) {
    this.#validity = validity;
    this.#nextMs = dueMs(validity, random);
  }

  /** There is another certificate. */
  renewed(validity: Validity, random: number): void {
    this.#validity = validity;
    this.#nextMs = dueMs(validity, random);
    this.#failures = 0;
    this.#error = '';
  }

  /** A try has failed; one that is final is repeated as seldom as can be, for a human has to do something first. */
  failed(error: string, isFinal: boolean, nowMs: number, random: number): void {
    const life = this.#validity.endMs - this.#validity.startMs;
    const first = clamp(life / 1000, second, 30 * second);
    const longest = clamp(life / 24, 5 * second, hour);
    const pause = isFinal ? longest : Math.min(longest, first * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.#error = error;
    this.#nextMs = nowMs + pause * (0.75 + random / 4);
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#nextMs;
  }

  /** No call can renew it any more. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#validity.endMs + renewableMs;
  }

  hasEnded(nowMs: number): boolean {
    return nowMs >= this.#validity.endMs;
  }

  get nextMs(): number {
    return this.#nextMs;
  }

  standing(nowMs: number): CertificateStanding {
    return {
      endMs: this.#validity.endMs,
      nextMs: this.#nextMs,
      error: this.#error,
      trouble: this.#trouble(nowMs),
    };
  }

  #trouble(nowMs: number): string | null {
    const { startMs, endMs } = this.#validity;
    const because = this.#error === '' ? '' : `: ${this.#error}`;
    if (this.isOver(nowMs))
      return 'the certificate ended more than 30 days ago; enrol this host anew with secovia-agent join TOKEN';
    if (nowMs >= endMs) return `the certificate has ended and is not renewed${because}`;
    // A day of the usual week; of one that lasts less, as much of it.
    const near = Math.min(day, (endMs - startMs) / 7);
    return endMs - nowMs < near ? `the certificate ends soon and is not renewed${because}` : null;
  }
}

function dueMs({ startMs, endMs }: Validity, random: number): number {
  return startMs + (endMs - startMs) * (share + jitter * random);
}
