/**
 * How many calls for files of each pool the agent has under way. A file call cannot be given up: while a shared pool's
 * server hangs, each holds a thread until the server is back. So each pool has places of its own, all pools that are
 * shared have so many together, and the process has more threads than that (deploy/bin/secovia-agent): whatever hangs, the
 * VMs of other pools go on, and so does the state file, without which no VM of the host does.
 *
 * Whoever has a place makes one file call after the other, and never two at a time.
 */
import { Lane, LaneOfEachPool } from './lane.js';

const works = ['look', 'make', 'remove', 'image'] as const;
/** Looking does not wait for making, nor either for taking away. */
export type PoolWork = (typeof works)[number];

const placesOfWork = 4;
/** What one pool can hold up. */
export const placesOfPool = works.length * placesOfWork;
/** When so many shared pools hang at a time, the others have to wait. */
const hangingPools = 8;
export const placesOfSharedPools = hangingPools * placesOfPool;

export class PoolLanes {
  readonly #lanes: Record<PoolWork, LaneOfEachPool> = {
    look: new LaneOfEachPool(placesOfWork),
    make: new LaneOfEachPool(placesOfWork),
    remove: new LaneOfEachPool(placesOfWork),
    image: new LaneOfEachPool(placesOfWork),
  };
  readonly #shared = new Lane(placesOfSharedPools);

  /** Runs the work when its pool has room for it; the empty path means the host's own pool. */
  run<T>(poolPath: string, kind: PoolWork, work: () => Promise<T>): Promise<T> {
    return this.#lanes[kind].run(poolPath, () => (poolPath === '' ? work() : this.#shared.run(work)));
  }
}
