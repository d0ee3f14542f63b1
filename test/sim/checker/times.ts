/** E3: the times of a journal, with what time it truly is. */
import type { Change } from '../../../scheduler/core/changes.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

/** An end may be decided so much later than it was to come: the clock of the one before may have been ahead. */
const endsWithinMs = 5000;

/** Five minutes, and what a clock of its own and a slow disk add. */
const followedMs = 6 * 60_000;

export class TimeRules {
  /** How far the last time was ahead of the true one, in milliseconds; null before the first. */
  #aheadMs: number | null = null;
  /** When the scheduler that leads began. */
  #beganAheadMs = 0;
  /** A jump, until the next line shows whether somebody begins there. */
  #jumped: { atMs: number; message: string } | null = null;

  constructor(
    private readonly state: State,
    private readonly violate: Violate,
  ) {}

  /**
   * Whoever leads follows no jump of its clock of over five minutes. Who begins believes the clock that there is, and first decides
   * what is due by then. One that began with a clock behind its journal lags on purpose, and may go back to where it would be if
   * it had not. `aheadMs`: how far the decision's time is ahead of the true one.
   */
  before(atMs: number, aheadMs: number, changes: readonly Change[]): void {
    const begins = changes.some(({ type }) => type === 'federation.opened');
    if (this.#jumped !== null && !begins && atMs > this.#jumped.atMs)
      this.violate('E3', this.#jumped.message);
    if (begins) this.#beganAheadMs = aheadMs;
    const isOnTime = Math.abs(aheadMs - this.#beganAheadMs) <= followedMs;
    const leapMs = this.#aheadMs === null || begins || isOnTime ? 0 : Math.abs(aheadMs - this.#aheadMs);
    const message = `time went from ${this.#aheadMs} ms ahead of the true one to ${aheadMs} ms`;
    if (begins || atMs > (this.#jumped?.atMs ?? 0)) this.#jumped = null;
    if (leapMs > followedMs) this.#jumped = { atMs, message };
    this.#aheadMs = aheadMs;
  }

  /** What ends at a time has ended before anything later is decided. */
  after(atMs: number): void {
    for (const { id, state, untilMs } of this.state.tenancy.rules.values()) {
      if (state === 'in_force' && untilMs !== null && untilMs < atMs - endsWithinMs)
        this.violate('E3', `residency rule ${id} ended at ${untilMs}, and is in force at ${atMs}`);
    }
  }
}
