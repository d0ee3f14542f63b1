/** Where a VM may be placed, as a message. */
import type { GroupPolicy__Output as GroupPolicyName } from '../../proto/gen/secovia/v1/GroupPolicy.js';
import type { GroupRule as GroupRuleMessage } from '../../proto/gen/secovia/v1/GroupRule.js';
import type { GroupScope__Output as GroupScopeName } from '../../proto/gen/secovia/v1/GroupScope.js';
import type { VmPlacement as VmPlacementMessage } from '../../proto/gen/secovia/v1/VmPlacement.js';
import type { GroupPolicy, GroupRule, GroupScope, VmPlacement } from '../core/model.js';
import { nameOf } from './names.js';

const groupPolicyNames: Record<GroupPolicy, GroupPolicyName> = {
  affinity: 'GROUP_POLICY_AFFINITY',
  anti_affinity: 'GROUP_POLICY_ANTI_AFFINITY',
  spread: 'GROUP_POLICY_SPREAD',
};

const groupScopeNames: Record<GroupScope, GroupScopeName> = {
  host: 'GROUP_SCOPE_HOST',
  rack: 'GROUP_SCOPE_RACK',
  site: 'GROUP_SCOPE_SITE',
};

/** Null when nothing is asked for. */
export function placementMessage(placement: VmPlacement): VmPlacementMessage | null {
  if (asksNothing(placement)) return null;
  const { sites, countries, excludedHosts, groups, preferredSites = [], ...others } = placement;
  return {
    sites: sites.map((id) => nameOf('site', id)),
    countries,
    excludedHosts: excludedHosts.map((id) => nameOf('host', id)),
    ...others,
    groups: groups?.map(groupMessage),
    preferredSites: preferredSites.map((id) => nameOf('site', id)),
  };
}

/** About what it takes on the wire, which knows no names of fields but has names of resources. */
export function placementBytes(placement: VmPlacement): number {
  return asksNothing(placement) ? 0 : 2 * JSON.stringify(placement).length;
}

function asksNothing(placement: VmPlacement): boolean {
  return Object.values(placement).every((wish) => (Array.isArray(wish) ? wish.length === 0 : wish === false));
}

function groupMessage({ group, policy, scope, soft, maxSkew }: GroupRule): GroupRuleMessage {
  return { group, policy: groupPolicyNames[policy], scope: groupScopeNames[scope], soft, maxSkew };
}
