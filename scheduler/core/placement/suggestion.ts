/**
 * The smallest single change of a request that would make it fit. A smaller size is suggested when half or more of
 * what was asked for fits somewhere, the one that takes least away first; else a wish about the place that could be
 * given up. Each is tried before it is suggested.
 */
import type { State } from '../state.js';
import type { ResourceCode } from './amounts.js';
import type { Explanation } from './explanation.js';
import type { PlacementRequest } from './request.js';
import { findHost } from './search.js';

export interface Suggestion {
  /** The field of the VM, as the contract names it; an extra's with its name, as in `spec.extras.gpu:a30`. */
  field: string;
  /** What it would have to be; empty means left out. */
  value: string;
  description: string;
}

/** No VM may have less, as the contract has it. */
export const leastMemoryMib = 64;

const sizes: [ResourceCode, 'vcpus' | 'memoryMib' | 'diskMib', field: string, unit: string][] = [
  ['LACKS_VCPUS', 'vcpus', 'spec.vcpus', 'vCPUs'],
  ['LACKS_MEMORY', 'memoryMib', 'spec.memory_mib', 'MiB of memory'],
  ['LACKS_DISK', 'diskMib', 'spec.disk_mib', 'MiB of disk'],
];

const wishes = [
  ['sites', 'placement.sites', 'other sites'],
  ['countries', 'placement.countries', 'other countries'],
  ['jurisdictions', 'placement.jurisdictions', 'other jurisdictions'],
  ['excludedHosts', 'placement.excluded_hosts', 'the hosts that are excluded'],
  ['requiredTraits', 'placement.required_traits', 'hosts without the required traits'],
  ['forbiddenTraits', 'placement.forbidden_traits', 'hosts with the forbidden traits'],
  ['groups', 'placement.groups', 'hosts that its groups rule out'],
] as const;

export function suggest(state: State, request: PlacementRequest, explained: Explanation): Suggestion | null {
  return smallerSize(state, request, explained) ?? fewerWishes(state, request);
}

function smallerSize(state: State, request: PlacementRequest, explained: Explanation): Suggestion | null {
  const changes = [...smallerAmounts(request, explained), ...fewerExtras(request, explained)]
    .filter(({ fits, least, asked }) => fits >= least && fits * 2 >= asked)
    .sort((a, b) => (a.asked - a.fits) / a.asked - (b.asked - b.fits) / b.asked);
  for (const { field, unit, fits, changed } of changes) {
    if (findHost(state, changed) < 0) continue;
    return { field, value: String(fits), description: `with ${fits} ${unit} it would fit` };
  }
  return null;
}

/** Less of one thing, as much as the nearest host has. */
interface Smaller {
  field: string;
  unit: string;
  asked: number;
  fits: number;
  least: number;
  changed: PlacementRequest;
}

function smallerAmounts(request: PlacementRequest, { misses }: Explanation): Smaller[] {
  const { needs, leastDiskMib = 1 } = request;
  const least = { vcpus: 1, memoryMib: leastMemoryMib, diskMib: Math.max(1, leastDiskMib) };
  return sizes.map(([code, resource, field, unit]) => {
    const asked = needs[resource];
    const fits = asked - (misses.get(code)?.missing ?? asked);
    const changed = { ...request, needs: { ...needs, [resource]: fits } };
    return { field, unit, asked, fits, least: least[resource], changed };
  });
}

function fewerExtras(request: PlacementRequest, { extraMisses }: Explanation): Smaller[] {
  const { extras = {} } = request;
  return Object.entries(extras).map(([name, asked]) => {
    const fits = asked - (extraMisses.get(name)?.missing ?? asked);
    const changed = { ...request, extras: { ...extras, [name]: fits } };
    return { field: `spec.extras.${name}`, unit: name, asked, fits, least: 1, changed };
  });
}

function fewerWishes(state: State, request: PlacementRequest): Suggestion | null {
  for (const [wish, field, what] of wishes) {
    if ((request.placement[wish]?.length ?? 0) === 0) continue;
    const placement = { ...request.placement, [wish]: [] };
    if (findHost(state, { ...request, placement }) < 0) continue;
    return { field, value: '', description: `it would fit if ${what} were allowed` };
  }
  return null;
}
