/**
 * Calls that arrive in one piece of the network's bytes are handled a few in a turn of the event loop: a thousand at
 * once hold nobody up for as long as a thousand take, and between turns commits are heard of and answers go out.
 * Smaller turns were tried: they cost more commits and gained nothing.
 */
import { Fifo } from '../core/fifo.js';

export const callsPerTurn = 64;

export class Turns {
  readonly #waiting = new Fifo<() => void>();
  #left = callsPerTurn;
  #scheduled = false;

  /** Does the work now, or in a later turn; always in the order in which it came. */
  take(work: () => void): void {
    if (this.#left > 0 && this.#waiting.length === 0) this.#do(work);
    else this.#waiting.push(work);
  }

  #do(work: () => void): void {
    this.#left -= 1;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#nextTurn());
    }
    work();
  }

  #nextTurn(): void {
    this.#scheduled = false;
    this.#left = callsPerTurn;
    while (this.#left > 0 && this.#waiting.length > 0) this.#do(this.#waiting.shift() as () => void);
  }
}
