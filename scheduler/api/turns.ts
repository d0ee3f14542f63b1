/**
 * Calls that arrive in one piece of the network's bytes are handled a few in a turn of the event loop: a thousand at
 * once hold nobody up for as long as a thousand take, and between turns commits are heard of and answers go out.
 * Smaller turns were tried: they cost more commits and gained nothing.
 *
 * When calls have to wait, callers take turns: each has a queue of its own, so whoever sends thousands waits for itself
 * and not before others. A long call counts as several.
 */
import { Fifo } from '../core/fifo.js';
import { processTimers, type Timers } from '../timers.js';

export const callsPerTurn = 64;

/** Calls of one caller that may wait. */
export const mostWaitingCalls = 4096;

interface Waiting {
  work: () => void;
  cost: number;
}

class Queue {
  readonly waiting = new Fifo<Waiting>();
  /** Rounds that it sits out, because its last call counted as several. */
  owed = 0;

  constructor(readonly caller: string) {}
}

export class Turns {
  /** Of the callers that wait, in the order in which they are next. */
  readonly #round = new Fifo<Queue>();
  readonly #queues = new Map<string, Queue>();
  #left = callsPerTurn;
  #scheduled = false;

  constructor(private readonly timers: Pick<Timers, 'turn'> = processTimers) {}

  /**
   * Does the work now, or in a later turn; always in the order in which it came from the same caller. `cost` is a whole
   * number, 1 for an ordinary call. False, and nothing is done, when too much of this caller waits already.
   */
  take(caller: string, cost: number, work: () => void): boolean {
    if (this.#left > 0 && this.#round.length === 0) {
      this.#do(work, cost);
      return true;
    }
    let queue = this.#queues.get(caller);
    if (queue === undefined) {
      queue = new Queue(caller);
      this.#queues.set(caller, queue);
      this.#round.push(queue);
    }
    if (queue.waiting.length >= mostWaitingCalls) return false;
    queue.waiting.push({ work, cost });
    return true;
  }

  #do(work: () => void, cost: number): void {
    this.#left -= cost;
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.timers.turn(() => this.#nextTurn());
    }
    work();
  }

  #nextTurn(): void {
    this.#scheduled = false;
    this.#left = callsPerTurn;
    while (this.#left > 0) {
      const queue = this.#round.shift();
      if (queue === undefined) return;
      if (queue.owed > 0) queue.owed -= 1;
      else {
        const next = queue.waiting.shift() as Waiting;
        queue.owed = next.cost - 1;
        // Before the work: it may bring more of the same caller.
        if (queue.waiting.length === 0) this.#queues.delete(queue.caller);
        this.#do(next.work, next.cost);
      }
      if (this.#queues.get(queue.caller) === queue) this.#round.push(queue);
    }
  }
}
