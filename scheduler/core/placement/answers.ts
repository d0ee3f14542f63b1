/** What can be asked about placement without placing anything. Nothing here changes what is claimed in the end. */
import type { Extras, Host, Priority, Resources } from '../model.js';
import type { State } from '../state.js';
import { startMs } from './content-starts.js';
import { type Displacement, findDisplacement } from './displacement.js';
import { type Explanation, explain } from './explanation.js';
import type { CellRooms } from './numa/cell-rooms.js';
import type { Layout } from './numa/layout.js';
import { verdictsOn } from './relations.js';
import { placeOn } from './placement.js';
import type { PlacementRequest } from './request.js';
import { findHost, softViolations, sparesGpus } from './search.js';
import { type SiteTier, tierOf } from './site-tiers.js';
import { suggest, type Suggestion } from './suggestion.js';
import { Tentative } from './tentative.js';

/** Why a host stands where it does: it is ordered by these in turn. */
export interface HostScore {
  host: Host;
  /** Soft rules and preferred traits that it does not meet. */
  softViolations: number;
  /** It has GPUs, and is kept from VMs like this one while another host will do. */
  sparedForGpus: boolean;
  /** Of its site, if the VM prefers some. */
  tier: SiteTier;
  /** What it would have left. */
  left: Resources;
  /** Of those extras that the VM asks for. */
  extrasLeft: Extras;
  /** Of hugepages of the size that it asks for. */
  hugepagesLeft: number;
  /** When what it holds began, on average by memory; 0 for an empty host. */
  contentStartMs: number;
  /** The cells that it would get. */
  numaCells: number[];
}

export interface PlacementAnswer {
  chosen: HostScore | null;
  runnerUp: HostScore | null;
  explanation: Explanation;
  /** What would make it fit, when nothing does. */
  suggestion: Suggestion | null;
  /** Who would have to make room for it, when nothing fits. */
  displacement: Displacement | null;
}

export function answer(state: State, request: PlacementRequest, priority: Priority): PlacementAnswer {
  const row = findHost(state, request);
  const explanation = explain(state, request);
  if (row < 0) {
    const suggestion = suggest(state, request, explanation);
    const displacement = findDisplacement(state, request, priority);
    return { chosen: null, runnerUp: null, explanation, suggestion, displacement };
  }
  const best = state.hostTable.hosts[row] as Host;
  const next = findHost(state, { ...request, refusedBy: [...request.refusedBy, best.id] });
  return {
    chosen: scoreOf(state, request, row),
    runnerUp: next < 0 ? null : scoreOf(state, request, next),
    explanation,
    suggestion: null,
    displacement: null,
  };
}

function scoreOf(state: State, request: PlacementRequest, row: number): HostScore {
  const { hostTable, offers } = state;
  const { needs, extras = {}, layout, placement } = request;
  const host = hostTable.hosts[row] as Host;
  const soft = verdictsOn(state, request, offers.profiles.mask(state, request)).filter(
    (verdict) => verdict.soft,
  );
  return {
    host,
    softViolations: softViolations(state, row, soft, placement.preferredTraits),
    sparedForGpus: sparesGpus(state, request) && offers.profile(row).hasGpus,
    tier: tierOf(state, placement, host.site),
    extrasLeft: Object.fromEntries(
      Object.entries(extras).map(([name, count]) => [name, hostTable.extras.free(row, name) - count]),
    ),
    hugepagesLeft: layout === undefined ? 0 : hugepagesLeft(hostTable.cellRooms, row, layout),
    contentStartMs: startMs(hostTable.contentStarts[row] as number),
    numaCells: placeOn(state, request, row).numaCells ?? [],
    left: {
      vcpus: (hostTable.freeVcpus[row] as number) - needs.vcpus - hostTable.vcpusOfDedicated(row, layout),
      memoryMib: (hostTable.freeMemoryMib[row] as number) - needs.memoryMib,
      diskMib: (hostTable.freeDiskMib[row] as number) - needs.diskMib,
      vms: (hostTable.freeVms[row] as number) - needs.vms,
    },
  };
}

function hugepagesLeft(rooms: CellRooms, row: number, { hugepageKib, memoryMib }: Layout): number {
  if (hugepageKib === 0) return 0;
  return ((rooms.hugeMib(row, hugepageKib) - memoryMib) * 1024) / hugepageKib;
}

export interface Capacity {
  vms: number;
  /** Counting ended before nothing fitted any more. */
  limited: boolean;
  bySite: Map<string, number>;
}

/** Asked with the number counted so far; false ends the counting. */
export type GoesOn = (counted: number) => boolean;

/**
 * How many VMs of this shape fit one after the other, as they would be placed now: each is claimed until all are
 * counted, and then given back.
 */
export function capacityFor(
  state: State,
  request: PlacementRequest,
  limit: number,
  goesOn: GoesOn,
): Capacity {
  const bySite = new Map<string, number>();
  const tentative = new Tentative(state, state.lastMs);
  try {
    while (tentative.count < limit && goesOn(tentative.count)) {
      const row = tentative.find(request);
      if (row < 0) return { vms: tentative.count, limited: false, bySite };
      const place = placeOn(state, request, row);
      tentative.claim(place, request);
      const { site } = place.host;
      bySite.set(site, (bySite.get(site) ?? 0) + 1);
    }
    return { vms: tentative.count, limited: true, bySite };
  } finally {
    tentative.giveBack();
  }
}
