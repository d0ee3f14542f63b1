/** So many places: whoever comes when all are taken waits for its turn, first come, first served. */
export class Lane {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly width: number) {}

  /** Nobody is in it, and nobody waits. */
  get isEmpty(): boolean {
    return this.#running === 0;
  }

  /** Runs the work when there is room. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
