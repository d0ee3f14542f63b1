import { oneLine } from '../converge/one-line.js';

/**
 * The last things that went wrong, for `secovia-agent status`: a short ring, in which a trouble that repeats keeps
 * one place and a count.
 */
export interface Trouble {
  message: string;
  /** When it happened last, in milliseconds of the wall clock. */
  wallMs: number;
  count: number;
}

const capacity = 20;
const longestMessage = 500;

export class Troubles {
  #ring: Trouble[] = [];

  /** Returns true when it is not a repetition of the newest ones. */
  add(text: string, wallMs: number): boolean {
    const message = oneLine(text, longestMessage);
    const known = this.#ring.find((trouble) => trouble.message === message);
    if (known !== undefined) {
      known.count++;
      known.wallMs = wallMs;
      this.#ring = [...this.#ring.filter((trouble) => trouble !== known), known];
      return false;
    }
    this.#ring = [...this.#ring, { message, wallMs, count: 1 }].slice(-capacity);
    return true;
  }

  list(): Trouble[] {
    return this.#ring.map((trouble) => ({ ...trouble }));
  }
}
