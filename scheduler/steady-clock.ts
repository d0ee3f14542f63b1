/**
 * The wall clock, as far as it can be believed (PROTOCOL E3). Somebody may set it, or a time server that is wrong; a minute does
 * no harm, but an hour would end loans, rules and agreements, and time orders out, that have an hour still. So a jump of over
 * five minutes, against a clock that nobody sets, is not followed: time goes on as before it until the wall clock is near again,
 * or until the scheduler is started anew, which takes its word as it is.
 */
export const longestJumpMs = 5 * 60_000;

export class SteadyClock {
  readonly #wall: () => number;
  readonly #uptimeMs: () => number;
  /** What it was last, and when that was on the clock that nobody sets. */
  #lastMs: number;
  #lastUptimeMs: number;
  #jumpMs = 0;

  /** `notBeforeMs` is a time that has been already: the journal's last. */
  constructor(wall: () => number, uptimeMs: () => number, notBeforeMs: number) {
    this.#wall = wall;
    this.#uptimeMs = uptimeMs;
    this.#lastMs = Math.max(wall(), notBeforeMs);
    this.#lastUptimeMs = uptimeMs();
  }

  /** Milliseconds since 1970. */
  now(): number {
    const uptimeMs = this.#uptimeMs();
    const expectedMs = this.#lastMs + (uptimeMs - this.#lastUptimeMs);
    const wallMs = this.#wall();
    const aheadMs = wallMs - expectedMs;
    const isNear = Math.abs(aheadMs) <= longestJumpMs;
    this.#jumpMs = isNear ? 0 : Math.round(aheadMs);
    this.#lastMs = isNear ? wallMs : expectedMs;
    this.#lastUptimeMs = uptimeMs;
    return isNear ? wallMs : Math.round(expectedMs);
  }

  /** How far the wall clock is ahead of what is believed, in milliseconds; 0 when it is believed. */
  get jumpMs(): number {
    return this.#jumpMs;
  }
}
