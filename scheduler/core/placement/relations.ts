/** What the rules about other VMs, and about room that a site keeps free, say to one request. */
import type { GroupPolicy, GroupScope, Host, Resources } from '../model.js';
import type { State } from '../state.js';
import { countsWithout, placeOf } from './groups.js';
import type { ProfileMask } from './rank-rows/rank-rows.js';
import type { PlacementRequest } from './request.js';
import { affinity } from './rules/affinity.js';
import { antiAffinity } from './rules/anti-affinity.js';
import { leavesFailoverRoom } from './rules/failover-room.js';
import type { Judgement, RelationCode, RelationRule } from './rules/relation.js';
import { spreadEvenly } from './rules/spread.js';

/** Places where a VM may not be, or in which alone it may. */
export interface Verdict extends Omit<Judgement, 'code'> {
  code: RelationCode | 'ROOM_KEPT_FREE';
  scope: GroupScope;
  soft: boolean;
}

const relationRules: Record<GroupPolicy, RelationRule> = {
  affinity,
  anti_affinity: antiAffinity,
  spread: spreadEvenly,
};

const noVerdicts: readonly Verdict[] = [];

/** The verdicts on a request, of which `mask` are the profiles it may use. Most requests have none. */
export function verdictsOn(state: State, request: PlacementRequest, mask: ProfileMask): readonly Verdict[] {
  if (state.sitesKeepingRoom.size === 0 && request.placement.groups === undefined) return noVerdicts;
  const verdicts: Verdict[] = [];
  const full = sitesWithoutRoom(state, request);
  if (full.size > 0) {
    verdicts.push({ code: 'ROOM_KEPT_FREE', scope: 'site', only: false, places: full, soft: false });
  }
  const { groups } = request.placement;
  if (groups === undefined) return verdicts;
  const leaving = request.leaving === null ? undefined : state.hosts.get(request.leaving);
  const usable = usablePlaces(state, request, mask);
  for (const rule of groups) {
    const counts = countsWithout(state.groups.get(request.administration, rule.group), rule.scope, leaving);
    const judgement = relationRules[rule.policy].judge(counts, rule, () => usable(rule.scope));
    if (judgement !== null) verdicts.push({ ...judgement, scope: rule.scope, soft: rule.soft });
  }
  return verdicts;
}

/** The places that a request may use at all, worked out when a rule first asks for those of a scope. */
function usablePlaces(state: State, request: PlacementRequest, mask: ProfileMask) {
  const known = new Map<GroupScope, ReadonlySet<string>>();
  return (scope: GroupScope): ReadonlySet<string> => {
    let places = known.get(scope);
    if (places === undefined) {
      const named = new Set([...request.placement.excludedHosts, ...request.refusedBy]);
      places = state.offers.usable(mask, scope === 'rack' ? 'rack' : 'site', named);
      known.set(scope, places);
    }
    return places;
  };
}

function sitesWithoutRoom(state: State, { needs, layout, leaving }: PlacementRequest): Set<string> {
  const full = new Set<string>();
  const { siteRooms } = state.offers;
  const from = leaving === null ? undefined : state.hostTable.row(leaving);
  for (const site of state.sitesKeepingRoom) {
    // A VM that moves within the site takes nothing more of it.
    const stays = from !== undefined && siteRooms.siteOf(from) === site;
    const room = siteRooms.room(site);
    const vcpus = layout?.dedicatedCpus ? Math.ceil((layout.vcpus * room.vcpuPercent) / 100) : needs.vcpus;
    if (!leavesFailoverRoom(room, stays ? nothing : { ...needs, vcpus })) full.add(site);
  }
  return full;
}

const nothing: Resources = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };

/** Whether a verdict is against a place. */
export function isAgainst({ only, places }: Verdict, place: string): boolean {
  return places.has(place) !== only;
}

/** Whether a verdict is against a host. */
export function excludesHost(verdict: Verdict, host: Host): boolean {
  return isAgainst(verdict, placeOf(host, verdict.scope));
}
