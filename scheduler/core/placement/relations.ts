/** What the rules about other VMs, and about room that a site keeps free, say to one request. */
import type { GroupPolicy, GroupRule, GroupScope, Resources } from '../model.js';
import type { State } from '../state.js';
import { type ClosingCode, closing } from '../tenancy/limits.js';
import { EvenPlaces } from './even-places.js';
import { countsWithout } from './groups.js';
import type { ProfileMask } from './rank-rows/rank-rows.js';
import type { PlacementRequest } from './request.js';
import { affinity } from './rules/affinity.js';
import { antiAffinity } from './rules/anti-affinity.js';
import { leavesFailoverRoom } from './rules/failover-room.js';
import type { Judgement, RelationCode, RelationRule } from './rules/relation.js';
import { spreadEvenly } from './rules/spread.js';

/** Places where a VM may not be, or in which alone it may. */
export interface Verdict extends Omit<Judgement, 'code'> {
  code: RelationCode | 'ROOM_KEPT_FREE' | ClosingCode;
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
  const closed = closedSites(state, request);
  if (state.sitesKeepingRoom.size === 0 && request.placement.groups === undefined) return closed;
  const verdicts = [...closed];
  const full = sitesWithoutRoom(state, request);
  if (full.size > 0) {
    verdicts.push({ code: 'ROOM_KEPT_FREE', scope: 'site', only: false, places: full, soft: false });
  }
  const { groups } = request.placement;
  if (groups === undefined) return verdicts;
  for (const rule of groups) {
    const judgement = judge(state, request, mask, rule);
    if (judgement !== null) verdicts.push({ ...judgement, scope: rule.scope, soft: rule.soft });
  }
  return verdicts;
}

/** Sites that quotas and agreements close to a request; mostly none. */
function closedSites(state: State, request: PlacementRequest): readonly Verdict[] {
  let closed: Verdict[] | null = null;
  closing(state.tenancy, request, ({ code }, sites) => {
    closed ??= [];
    const known = closed.find((verdict) => verdict.code === code);
    if (known !== undefined) for (const site of sites) (known.places as Set<string>).add(site);
    else closed.push({ code, scope: 'site', only: false, places: new Set(sites), soft: false });
  });
  return closed ?? noVerdicts;
}

function judge(
  state: State,
  request: PlacementRequest,
  mask: ProfileMask,
  rule: GroupRule,
): Judgement | null {
  const { scope } = rule;
  const leaving = request.leaving === null ? undefined : state.hosts.get(request.leaving);
  const group = state.groups.get(request.administration, rule.group);
  const counts = countsWithout(group, scope, leaving);
  return relationRules[rule.policy].judge(counts, rule, () => {
    const named = [...request.placement.excludedHosts, ...request.refusedBy];
    const usable = state.offers.usable(mask, scope === 'rack' ? 'rack' : 'site', named);
    // Only what is counted as it is can be kept from one request to the next.
    if (group === undefined || leaving !== undefined) return new EvenPlaces(usable, counts);
    return state.groups.even(group, scope, usable);
  });
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

/** Whether a verdict is against the host of a row. */
export function excludesHost(state: State, verdict: Verdict, row: number): boolean {
  return isAgainst(verdict, state.offers.placeOf(row, verdict.scope));
}
