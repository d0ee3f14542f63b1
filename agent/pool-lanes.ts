/**
 * How many calls for files of each pool the agent has under way. A file call cannot be given up: while a shared pool's
 * server hangs, each holds a thread until the server is back. So each pool has places of its own, all pools that are
 * shared have so many together, and the process has more threads than that (deploy/bin/secovia-agent): whatever hangs, the
 * VMs of other pools go on, and so does the state file, without which no VM of the host does.
 *
 * Whoever has a place makes one file call after the other, and never two at a time.
 */
import { Lane } from './lane.js';

/** Looking does not wait for making, nor either for taking away. */
export type PoolWork = 'look' | 'make' | 'remove' | 'image';

const width: Record<PoolWork, number> = { look: 4, make: 4, remove: 4, image: 4 };
/** What one pool can hold up. */
export const placesOfPool = Object.values(width).reduce((sum, places) => sum + places, 0);
/** When so many shared pools hang at a time, the others have to wait. */
const hangingPools = 8;
export const placesOfSharedPools = hangingPools * placesOfPool;

type PlacesOfPool = Record<PoolWork, Lane>;

export class PoolLanes {
  readonly #pools = new Map<string, PlacesOfPool>();
  readonly #shared = new Lane(placesOfSharedPools);

  /** Runs the work when its pool has room for it; the empty path means the host's own pool. */
  async run<T>(poolPath: string, kind: PoolWork, work: () => Promise<T>): Promise<T> {
    const places = this.#placesOf(poolPath);
    try {
      return await places[kind].run(() => (poolPath === '' ? work() : this.#shared.run(work)));
    } finally {
      if (Object.values(places).every((lane) => lane.isEmpty)) this.#pools.delete(poolPath);
    }
  }

  #placesOf(poolPath: string): PlacesOfPool {
    let places = this.#pools.get(poolPath);
    if (places === undefined) {
      places = {
        look: new Lane(width.look),
        make: new Lane(width.make),
        remove: new Lane(width.remove),
        image: new Lane(width.image),
      };
      this.#pools.set(poolPath, places);
    }
    return places;
  }
}
