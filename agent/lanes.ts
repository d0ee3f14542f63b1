/**
 * How many effects of a kind run at once. What is heavy for the host is bounded, and each kind has its own lane, so
 * that starts that wait for a slow disk do not hold up somebody's stop, nor a look at a healthy VM. What needs the files
 * of a pool has lanes for each pool, so that one that hangs holds up nobody but its own VMs.
 */
import type { Effect } from './converge/effects.js';
import { Lane, LaneOfEachPool } from './lane.js';
import type { PoolLanes, PoolWork } from './pool-lanes.js';

type HostLane = 'make' | 'stop' | 'look';

type Route =
  | { through: 'host'; lane: HostLane }
  /** Its files. */
  | { through: 'pool'; poolPath: string; work: PoolWork }
  /** Starts of VMs whose disks are there: libvirt gives them up after a time, which may be a minute and a half for each. */
  | { through: 'starts'; poolPath: string }
  | { through: 'nothing' };

const host = (lane: HostLane): Route => ({ through: 'host', lane });

function routeOf(effect: Effect): Route {
  switch (effect.kind) {
    case 'persist':
    case 'migrate':
    // The image store asks for places itself: whoever waits for a download needs none.
    case 'fetchImage':
      return { through: 'nothing' };
    case 'inspect':
    case 'leaving':
      return host('look');
    case 'define':
    case 'addVcpus':
    case 'record':
      return host('make');
    case 'shutdown':
    case 'destroy':
    case 'undefine':
    case 'reboot':
    case 'reset':
    case 'abortMigration':
      return host('stop');
    case 'start':
      return { through: 'starts', poolPath: effect.poolPath };
    case 'volumeExists':
    case 'expect':
      return { through: 'pool', poolPath: effect.volume.poolPath, work: 'look' };
    case 'createVolume':
      return { through: 'pool', poolPath: effect.request.poolPath, work: 'make' };
    case 'growVolume':
      return { through: 'pool', poolPath: effect.volume.poolPath, work: 'make' };
    case 'trashVolume':
    case 'removeVolume':
      return { through: 'pool', poolPath: effect.volume.poolPath, work: 'remove' };
  }
}

/** The folder of the pool whose files the effect works with, empty for the host's own; null when it needs none. */
export function poolNeededBy(effect: Effect): string | null {
  const route = routeOf(effect);
  return route.through === 'pool' ? route.poolPath : null;
}

const startsAtOnce = 8;

export class Lanes {
  readonly #pools: PoolLanes;
  readonly #host: Record<HostLane, Lane> = { make: new Lane(8), stop: new Lane(8), look: new Lane(16) };
  readonly #starts = new LaneOfEachPool(startsAtOnce);

  constructor(pools: PoolLanes) {
    this.#pools = pools;
  }

  /** Runs the work when there is room for this effect. */
  run<T>(effect: Effect, work: () => Promise<T>): Promise<T> {
    const route = routeOf(effect);
    switch (route.through) {
      case 'nothing':
        return work();
      case 'host':
        return this.#host[route.lane].run(work);
      case 'pool':
        return this.#pools.run(route.poolPath, route.work, work);
      case 'starts':
        return this.#starts.run(route.poolPath, work);
    }
  }
}
