/** What can be asked about placement without placing anything. Nothing here changes what is claimed in the end. */
import type { Host, Priority, Resources } from '../model.js';
import type { State } from '../state.js';
import { type Displacement, findDisplacement } from './displacement.js';
import { type Explanation, explain } from './explanation.js';
import { verdictsOn } from './relations.js';
import type { PlacementRequest } from './request.js';
import { findHost, softViolations } from './search.js';
import { type SiteTier, tierOf } from './site-tiers.js';
import { suggest, type Suggestion } from './suggestion.js';
import { Tentative } from './tentative.js';

/** Why a host stands where it does: it is ordered by these in turn. */
export interface HostScore {
  host: Host;
  /** Soft rules and preferred traits that it does not meet. */
  softViolations: number;
  /** Of its site, if the VM prefers some. */
  tier: SiteTier;
  /** What it would have left. */
  left: Resources;
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
  const { needs, placement } = request;
  const host = hostTable.hosts[row] as Host;
  const soft = verdictsOn(state, request, offers.profiles.mask(state, request)).filter(
    (verdict) => verdict.soft,
  );
  return {
    host,
    softViolations: softViolations(state, row, soft, placement.preferredTraits),
    tier: tierOf(state, placement, host.site),
    left: {
      vcpus: (hostTable.freeVcpus[row] as number) - needs.vcpus,
      memoryMib: (hostTable.freeMemoryMib[row] as number) - needs.memoryMib,
      diskMib: (hostTable.freeDiskMib[row] as number) - needs.diskMib,
      vms: (hostTable.freeVms[row] as number) - needs.vms,
    },
  };
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
 * How many VMs of this shape fit one after the other, as they would be placed: each is claimed until all are counted,
 * and then given back.
 */
export function capacityFor(
  state: State,
  request: PlacementRequest,
  limit: number,
  goesOn: GoesOn,
): Capacity {
  const bySite = new Map<string, number>();
  const tentative = new Tentative(state);
  try {
    while (tentative.count < limit && goesOn(tentative.count)) {
      const row = tentative.find(request);
      if (row < 0) return { vms: tentative.count, limited: false, bySite };
      tentative.claim(row, request);
      const { site } = state.hostTable.hosts[row] as Host;
      bySite.set(site, (bySite.get(site) ?? 0) + 1);
    }
    return { vms: tentative.count, limited: true, bySite };
  } finally {
    tentative.giveBack();
  }
}
