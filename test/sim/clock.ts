/** A machine's clocks: one that counts since it was booted and that nobody sets, and one on the wall that anybody may. */
import type { Instant } from '../../agent/converge/converger.js';
import type { Timeline } from './timeline.js';

/** When simulations begin, in milliseconds since 1970. */
export const beginningMs = Date.UTC(2026, 0, 1);

/**
 * How far a clock may go wrong, as a part of the time. The lease's margin is one percent between two clocks (PROTOCOL L1),
 * so each of them may have a little less than half of it.
 */
export const mostDrift = 0.0045;

export class MachineClock {
  #bootedMs: number;
  #jumpMs = 0;

  constructor(
    private readonly timeline: Timeline,
    /** Of its milliseconds in one that is true. */
    readonly rate: number,
  ) {
    this.#bootedMs = timeline.nowMs;
  }

  boot(): void {
    this.#bootedMs = this.timeline.nowMs;
  }

  /** Somebody sets the clock on the wall. */
  jump(ms: number): void {
    this.#jumpMs += ms;
  }

  /** NTP has set it right. */
  correct(): void {
    this.#jumpMs = 0;
  }

  get bootMs(): number {
    return (this.timeline.nowMs - this.#bootedMs) * this.rate;
  }

  get wallMs(): number {
    return Math.round(beginningMs + this.timeline.nowMs * this.rate + this.#jumpMs);
  }

  now(): Instant {
    return { bootMs: this.bootMs, wallMs: this.wallMs };
  }

  /** True milliseconds until this clock has counted to here. */
  until(bootMs: number): number {
    return Math.max(0, (bootMs - this.bootMs) / this.rate);
  }
}
