/**
 * The smallest single change of a request that would make it fit. A smaller size is suggested when half or more of
 * what was asked for fits somewhere, the one that takes least away first; else a wish about the place that could be
 * given up. Each is tried before it is suggested.
 */
import type { State } from '../state.js';
import type { ResourceCode } from './amounts.js';
import type { Explanation } from './explanation.js';
import { type Layout, memoryStepMib } from './numa/layout.js';
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

type Size = 'vcpus' | 'memoryMib' | 'diskMib';

const sizes: [ResourceCode, Size, field: string, unit: string][] = [
  ['LACKS_VCPUS', 'vcpus', 'spec.vcpus', 'vCPUs'],
  ['LACKS_DEDICATED_CPUS', 'vcpus', 'spec.vcpus', 'vCPUs'],
  ['LACKS_MEMORY', 'memoryMib', 'spec.memory_mib', 'MiB of memory'],
  ['LACKS_HUGEPAGES', 'memoryMib', 'spec.memory_mib', 'MiB of memory'],
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
  return (
    smallerSize(state, request, explained) ?? fewerWishes(state, request) ?? withoutLayout(state, request)
  );
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
  const { needs, layout, leastDiskMib = 1 } = request;
  const least = { vcpus: 1, memoryMib: leastMemoryMib, diskMib: Math.max(1, leastDiskMib) };
  const inAll = { ...needs, ...layout };
  return sizes.map(([code, size, field, unit]) => {
    const asked = inAll[size];
    const most = asked - (misses.get(code)?.missing ?? asked);
    const fits = most - (most % stepOf(size, layout));
    return { field, unit, asked, fits, least: least[size], changed: withSize(request, size, fits) };
  });
}

/** Cells are equal, and pages whole. */
function stepOf(size: Size, layout: Layout | undefined): number {
  if (layout === undefined || size === 'diskMib') return 1;
  return size === 'vcpus' ? Math.max(1, layout.cells) : memoryStepMib(layout);
}

/** What a request needs of a size it may need of its layout, or of the host's ordinary columns, or of both. */
function withSize(request: PlacementRequest, size: Size, amount: number): PlacementRequest {
  const { needs, layout, holds } = request;
  const isOrdinary = needs[size] > 0;
  return {
    ...request,
    holds: { ...holds, [size]: amount },
    needs: isOrdinary ? { ...needs, [size]: amount } : needs,
    layout: layout === undefined ? undefined : { ...layout, [size]: amount },
  };
}

function fewerExtras(request: PlacementRequest, { extraMisses }: Explanation): Smaller[] {
  const { extras = {}, holds } = request;
  return Object.entries(extras).map(([name, asked]) => {
    const fits = asked - (extraMisses.get(name)?.missing ?? asked);
    const fewer = { ...extras, [name]: fits };
    const changed = { ...request, extras: fewer, holds: { ...holds, extras: fewer } };
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

/** Floating over all cells, or on ordinary memory. */
function withoutLayout(state: State, request: PlacementRequest): Suggestion | null {
  const { needs, layout } = request;
  if (layout === undefined) return null;
  const { hugepageKib, vcpus, memoryMib } = layout;
  if (layout.cells > 0) {
    const floating = { ...layout, cells: 0, dedicatedCpus: false };
    const changed = {
      ...request,
      needs: { ...needs, vcpus },
      layout: hugepageKib > 0 ? floating : undefined,
    };
    if (findHost(state, changed) >= 0)
      return { field: 'spec.numa', value: '', description: 'it would fit if it floated over all NUMA cells' };
  }
  if (hugepageKib > 0) {
    const ordinary = { ...layout, hugepageKib: 0 };
    const changed = {
      ...request,
      needs: { ...needs, memoryMib },
      layout: layout.cells > 0 ? ordinary : undefined,
    };
    if (findHost(state, changed) >= 0)
      return { field: 'spec.hugepage_size_kib', value: '', description: 'on ordinary memory it would fit' };
  }
  return null;
}
