/** Which hosts have how many VMs of each group. It follows claims: a VM counts where it holds resources. */
import type { GroupRule, GroupScope, Host, VmPlacement } from '../model.js';

/** The places of a group's VMs, each with how many it has. */
export interface Group {
  /** What all its VMs say. */
  rule: GroupRule;
  members: number;
  places: Record<GroupScope, Map<string, number>>;
}

/** The place that a host is in. A host without a rack is a rack of its own. */
export function placeOf(host: Host, scope: GroupScope): string {
  if (scope === 'site') return host.site;
  if (scope === 'host') return host.id;
  return host.rack === '' ? `${host.site}//${host.id}` : `${host.site}/${host.rack}`;
}

const scopes: readonly GroupScope[] = ['host', 'rack', 'site'];

export class Groups {
  readonly #groups = new Map<string, Group>();

  get(administration: string, group: string): Group | undefined {
    return this.#groups.get(`${administration}/${group}`);
  }

  /** Counts a VM with these wishes on a host, or with `sign` -1 no more. */
  count(administration: string, placement: VmPlacement, host: Host, sign: 1 | -1): void {
    for (const rule of placement.groups ?? []) {
      const key = `${administration}/${rule.group}`;
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = { rule, members: 0, places: { host: new Map(), rack: new Map(), site: new Map() } };
        this.#groups.set(key, group);
      }
      group.members += sign;
      for (const scope of scopes) {
        const place = placeOf(host, scope);
        const count = (group.places[scope].get(place) ?? 0) + sign;
        if (count === 0) group.places[scope].delete(place);
        else group.places[scope].set(place, count);
      }
      if (group.members === 0) this.#groups.delete(key);
    }
  }
}

/** How many of a group each place has, not counting a VM that is about to leave a host. */
export function countsWithout(
  group: Group | undefined,
  scope: GroupScope,
  leaving: Host | undefined,
): ReadonlyMap<string, number> {
  if (group === undefined) return new Map();
  const counts = group.places[scope];
  if (leaving === undefined) return counts;
  const place = placeOf(leaving, scope);
  const others = new Map(counts);
  const left = (counts.get(place) ?? 0) - 1;
  if (left > 0) others.set(place, left);
  else others.delete(place);
  return others;
}
