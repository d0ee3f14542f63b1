/**
 * The wall clock, as far as it can be believed (PROTOCOL E3). Somebody may set it, or a time server that is wrong; a minute does
 * no harm, but an hour would end loans, rules and agreements, and time orders out, that have an hour still. So a jump of over
 * five minutes, against a clock that nobody sets, is not followed: time goes on as before it until the wall clock is near again,
 * or until the scheduler is started anew, which takes its word as it is. What has been already cannot be taken back, so one that begins
 * with a wall clock behind the journal goes on from the journal, at half speed until it has been caught up with: an hour for which
 * the clock was wrong once would stay wrong for ever otherwise.
 */
export const longestJumpMs = 5 * 60_000;

export class SteadyClock {
  readonly #wall: () => number;
  readonly #uptimeMs: () => number;
  /** What it was last, and when that was on the clock that nobody sets. */
  #lastMs: number;
  #lastUptimeMs: number;
  #jumpMs = 0;
  /** From where and when it goes at half speed; null while it does not. */
  #slow: { fromMs: number; uptimeMs: number } | null = null;

  /** `notBeforeMs` is a time that has been already: the journal's last. */
  constructor(wall: () => number, uptimeMs: () => number, notBeforeMs: number) {
    this.#wall = wall;
    this.#uptimeMs = uptimeMs;
    const wallMs = wall();
    this.#lastMs = Math.max(wallMs, notBeforeMs);
    this.#lastUptimeMs = uptimeMs();
    if (notBeforeMs - wallMs > longestJumpMs)
      this.#slow = { fromMs: notBeforeMs, uptimeMs: this.#lastUptimeMs };
  }

  /** Milliseconds since 1970. */
  now(): number {
    const uptimeMs = this.#uptimeMs();
    const passedMs = uptimeMs - this.#lastUptimeMs;
    const expectedMs = this.#lastMs + (this.#slow === null ? passedMs : passedMs / 2);
    const wallMs = this.#wall();
    const aheadMs = wallMs - expectedMs;
    const isNear = Math.abs(aheadMs) <= longestJumpMs || this.#agreesWithJournal(wallMs, uptimeMs);
    if (isNear) this.#slow = null;
    this.#jumpMs = isNear ? 0 : Math.round(aheadMs);
    this.#lastMs = isNear ? wallMs : expectedMs;
    this.#lastUptimeMs = uptimeMs;
    return isNear ? wallMs : Math.round(expectedMs);
  }

  /** The journal was right after all, and the wall clock behind: it has been set right since. */
  #agreesWithJournal(wallMs: number, uptimeMs: number): boolean {
    if (this.#slow === null) return false;
    const { fromMs, uptimeMs: since } = this.#slow;
    return Math.abs(wallMs - (fromMs + uptimeMs - since)) <= longestJumpMs;
  }

  /** How far the wall clock is ahead of what is believed, in milliseconds; 0 when it is believed. */
  get jumpMs(): number {
    return this.#jumpMs;
  }
}
