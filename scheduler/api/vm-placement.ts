/** Where a VM may be placed and where it would rather be, as a request says it. */
import type { GroupRule__Output } from '../../proto/gen/secovia/v1/GroupRule.js';
import type { VmPlacement__Output } from '../../proto/gen/secovia/v1/VmPlacement.js';
import type { GroupPolicy, GroupRule, GroupScope, VmPlacement } from '../core/model.js';
import type { Fields } from './fields.js';
import { mostGroups, mostPlacementEntries, mostSkew } from './limits.js';
import { wantedTraits } from './traits.js';

const groupPolicies: Record<string, GroupPolicy> = {
  GROUP_POLICY_AFFINITY: 'affinity',
  GROUP_POLICY_ANTI_AFFINITY: 'anti_affinity',
  GROUP_POLICY_SPREAD: 'spread',
};

const groupScopes: Record<string, GroupScope> = {
  GROUP_SCOPE_UNSPECIFIED: 'host',
  GROUP_SCOPE_HOST: 'host',
  GROUP_SCOPE_RACK: 'rack',
  GROUP_SCOPE_SITE: 'site',
};

const everywhere: VmPlacement = { sites: [], countries: [], excludedHosts: [] };

export function placementIn(fields: Fields, at: string, placement: VmPlacement__Output | null): VmPlacement {
  if (placement === null) return everywhere;
  const { sites, countries, excludedHosts, jurisdictions, groups } = placement;
  const { requiredTraits, forbiddenTraits, preferredTraits, preferredSites, preferCheap } = placement;
  const { preferredSitesInOrder } = placement;
  const lists = [sites, countries, excludedHosts, jurisdictions, groups, preferredSites];
  const plain = [...lists, requiredTraits, forbiddenTraits, preferredTraits].every(
    (list) => list.length === 0,
  );
  if (plain && !preferCheap && !preferredSitesInOrder) return everywhere;
  if (preferredSitesInOrder && preferredSites.length === 0) {
    fields.fault(`${at}.preferred_sites_in_order`, 'is of preferred_sites alone; name some, or leave it out');
  }
  const most = mostPlacementEntries;
  return {
    sites: fields.list(`${at}.sites`, sites, most).map((name) => fields.name(`${at}.sites`, 'site', name)),
    countries: fields
      .list(`${at}.countries`, countries, most)
      .map((country) => fields.country(`${at}.countries`, country)),
    excludedHosts: fields
      .list(`${at}.excluded_hosts`, excludedHosts, most)
      .map((name) => fields.name(`${at}.excluded_hosts`, 'host', name)),
    ...withoutEmpty({
      jurisdictions: fields.jurisdictions(`${at}.jurisdictions`, jurisdictions),
      ...wantedTraits(fields, at, { requiredTraits, forbiddenTraits, preferredTraits }),
      groups: groupsIn(fields, `${at}.groups`, groups),
      preferredSites: fields
        .list(`${at}.preferred_sites`, preferredSites, most)
        .map((name) => fields.name(`${at}.preferred_sites`, 'site', name)),
    }),
    ...(preferredSitesInOrder ? { preferredSitesInOrder } : {}),
    ...(preferCheap ? { preferCheap } : {}),
  };
}

/** Most VMs have none of these, and each VM is written to the journal. */
function withoutEmpty(lists: Record<string, readonly unknown[]>): Partial<VmPlacement> {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

function groupsIn(fields: Fields, at: string, rules: GroupRule__Output[]): GroupRule[] {
  const seen = new Set<string>();
  return fields.list(at, rules, mostGroups).map((rule, index) => {
    const group = fields.id(`${at}[${index}].group`, rule.group);
    if (seen.has(group))
      fields.fault(`${at}[${index}].group`, 'is named twice; say all of a group in one rule');
    seen.add(group);
    return { group, ...ruleIn(fields, `${at}[${index}]`, rule) };
  });
}

function ruleIn(fields: Fields, at: string, rule: GroupRule__Output): Omit<GroupRule, 'group'> {
  const policy = fields.choice(`${at}.policy`, rule.policy, groupPolicies);
  const scope = fields.choice(`${at}.scope`, rule.scope, groupScopes);
  const skew = fields.whole(`${at}.max_skew`, rule.maxSkew, 0, mostSkew);
  const { soft } = rule;
  if (rule.policy === 'GROUP_POLICY_SPREAD') {
    if (rule.scope === 'GROUP_SCOPE_UNSPECIFIED' || rule.scope === 'GROUP_SCOPE_HOST') {
      fields.fault(`${at}.scope`, 'GROUP_POLICY_SPREAD needs GROUP_SCOPE_RACK or GROUP_SCOPE_SITE');
    }
    return { policy, scope, soft, maxSkew: skew || 1 };
  }
  if (skew !== 0) fields.fault(`${at}.max_skew`, 'is of GROUP_POLICY_SPREAD alone; leave it out');
  return { policy, scope, soft, maxSkew: 0 };
}
