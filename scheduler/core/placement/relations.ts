/** What the rules about other VMs, and about room that a site keeps free, say to one request. */
import type { GroupPolicy, GroupScope, Host } from '../model.js';
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
  for (const rule of groups) {
    const counts = countsWithout(state.groups.get(request.administration, rule.group), rule.scope, leaving);
    const usable = () => state.offers.usable(mask, rule.scope === 'rack' ? 'rack' : 'site');
    const judgement = relationRules[rule.policy].judge(counts, rule, usable);
    if (judgement !== null) verdicts.push({ ...judgement, scope: rule.scope, soft: rule.soft });
  }
  return verdicts;
}

function sitesWithoutRoom(state: State, { needs }: PlacementRequest): Set<string> {
  const full = new Set<string>();
  for (const site of state.sitesKeepingRoom) {
    if (!leavesFailoverRoom(state.offers.siteRooms.room(site), needs)) full.add(site);
  }
  return full;
}

/** Whether a verdict is against a place. */
export function isAgainst({ only, places }: Verdict, place: string): boolean {
  return places.has(place) !== only;
}

/** Whether a verdict is against a host. */
export function excludesHost(verdict: Verdict, host: Host): boolean {
  return isAgainst(verdict, placeOf(host, verdict.scope));
}
