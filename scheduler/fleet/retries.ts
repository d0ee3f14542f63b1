/** What could not be done is tried again after a while, and each time after twice as long. */

export interface Pauses {
  /** Milliseconds, as `most`. */
  first: number;
  most: number;
}

export class Retries {
  readonly #waiting = new Map<string, { atMs: number; pauseMs: number }>();

  constructor(
    private readonly pauses: Pauses,
    private readonly uptimeMs: () => number,
  ) {}

  isDue(key: string): boolean {
    return (this.#waiting.get(key)?.atMs ?? 0) <= this.uptimeMs();
  }

  pause(key: string): void {
    const { first, most } = this.pauses;
    const pauseMs = Math.min(most, Math.max(first, (this.#waiting.get(key)?.pauseMs ?? 0) * 2));
    this.#waiting.set(key, { atMs: this.uptimeMs() + pauseMs, pauseMs });
  }

  /** For so long, and then as if it were tried for the first time. */
  pauseOnce(key: string, ms: number): void {
    this.#waiting.set(key, { atMs: this.uptimeMs() + ms, pauseMs: 0 });
  }

  /** It is due at once. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }
}
