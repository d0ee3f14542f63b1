/**
 * What is asked of a fleet, made before the clock runs: requests, each with the VM that departs after it. Some streams
 * are harder: requests that name hosts which they must not have, as those of a group that is kept apart do, and
 * requests that only one site can serve.
 */
import type { Resources } from '../../scheduler/core/model.js';
import type { PlacementRequest } from '../../scheduler/core/placement/request.js';
import { type Fleet, requestOf } from './placement-fleet.js';
import { type Place, sites, usualPlaces } from './placement-places.js';
import type { Recent } from './placement-recent.js';

export interface Demand {
  request: PlacementRequest;
  size: number;
  place: number;
  /** The place as a mask. */
  sites: number;
  /** The rows of the hosts that the request excludes. */
  excluded: Int32Array | null;
  /** The VM that departs when this one was placed. */
  departs: number;
}

export type Demands = (fleet: Fleet, count: number) => Demand[];

interface Wish {
  /** The number of the place. */
  place: number;
  apart: Recent | null;
}

export const usualDemands: Demands = (fleet, count) =>
  demands(fleet, count, () => ({ place: fleet.random.below(usualPlaces), apart: null }));

/** One of twenty may be on one site only, and one of twenty keeps away from where the last of its size went. */
export const narrowDemands: Demands = (fleet, count) => {
  const { random, recent } = fleet;
  return demands(fleet, count, (size) => {
    const kind = random.below(20);
    if (kind === 0) return { place: 0, apart: recent[size] as Recent };
    return {
      place: kind === 1 ? usualPlaces + random.below(sites.length) : random.below(usualPlaces),
      apart: null,
    };
  });
};

function demands(fleet: Fleet, count: number, wishOf: (size: number) => Wish): Demand[] {
  const { random, sizes, places, vms } = fleet;
  return Array.from({ length: count }, () => {
    const size = sizes.draw(random);
    const { place, apart } = wishOf(size);
    const { placement, sites: mask } = places[place] as Place;
    return {
      request: requestOf(sizes.all[size] as Resources, apart?.placement ?? placement),
      size,
      place,
      sites: mask,
      excluded: apart?.rows ?? null,
      departs: random.below(vms.host.length),
    };
  });
}
