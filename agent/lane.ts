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

/** As a lane, with places of its own for each pool, by the path of its folder. */
export class LaneOfEachPool {
  readonly #lanes = new Map<string, Lane>();

  constructor(readonly width: number) {}

  async run<T>(poolPath: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(poolPath) ?? new Lane(this.width);
    this.#lanes.set(poolPath, lane);
    try {
      return await lane.run(work);
    } finally {
      if (lane.isEmpty) this.#lanes.delete(poolPath);
    }
  }
}
