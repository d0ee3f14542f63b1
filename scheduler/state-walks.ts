/**
 * Looks at a whole state a little at a time, so that nobody is held up for longer than a slice. One walk at a time: several
 * at once would each get a slice of every turn of the event loop.
 */

/** How long a slice may hold the loop. */
const sliceMs = 4;
/** Steps between two looks at the clock, where they are short. */
const stepsUnlooked = 64;
/** More would wait for minutes in a large federation. */
export const mostWaitingWalks = 32;

export class StateWalks {
  readonly #waiting: (() => void)[] = [];
  #walking = false;

  /** Goes through all steps; false, and nothing is done, when too many wait already. It ends early when nobody wants it any more. */
  async walk(
    steps: () => Iterator<unknown>,
    unwanted?: AbortSignal,
    unlooked = stepsUnlooked,
  ): Promise<boolean> {
    if (this.#walking && this.#waiting.length >= mostWaitingWalks) return false;
    if (this.#walking) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#walking = true;
    try {
      const iterator = steps();
      while (unwanted?.aborted !== true && slice(iterator, unlooked)) await turn();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#walking = false;
      else next();
    }
    return true;
  }
}

/** Takes steps for a while; false when there are no more. */
function slice(iterator: Iterator<unknown>, unlooked: number): boolean {
  const untilMs = performance.now() + sliceMs;
  do {
    for (let step = 0; step < unlooked; step += 1) if (iterator.next().done === true) return false;
  } while (performance.now() < untilMs);
  return true;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
