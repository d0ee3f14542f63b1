/**
 * A machine's watchdog: petted by a thread of the agent's process until a moment that the agent puts off, and no longer than the
 * process lives. It bites one time-out after the last pet, whatever has become of the agent.
 */
import type { MachineClock } from './clock.js';
import type { Life } from './timeline.js';

export class SimulatedWatchdog {
  #timeoutMs = 0;
  /** On the machine's clock: pets end then. Null while it is not armed. */
  #pettedUntil: number | null = null;

  constructor(
    private readonly clock: MachineClock,
    /** Of the machine since it was switched on. */
    private readonly powered: () => Life,
    private readonly bite: () => void,
  ) {}

  get isArmed(): boolean {
    return this.#pettedUntil !== null;
  }

  arm(timeoutS: number, untilMs: number): void {
    this.#timeoutMs = timeoutS * 1000;
    this.#petUntil(untilMs);
  }

  extend(untilMs: number): void {
    if (this.isArmed) this.#petUntil(untilMs);
  }

  release(): void {
    this.#pettedUntil = null;
  }

  /** The process that petted it is gone: nobody has taken it back. */
  abandon(): void {
    if (this.#pettedUntil !== null) this.#petUntil(Math.min(this.#pettedUntil, this.clock.bootMs));
  }

  #petUntil(untilMs: number): void {
    this.#pettedUntil = Math.max(untilMs, this.#pettedUntil === null ? this.clock.bootMs : 0);
    const planned = this.#pettedUntil;
    this.powered().after(this.clock.until(planned + this.#timeoutMs), () => {
      if (this.#pettedUntil === planned) this.bite();
    });
  }
}
