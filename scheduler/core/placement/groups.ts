/** Which hosts have how many VMs of each group. It follows claims: a VM counts where it holds resources. */
import type { GroupRule, GroupScope, Host, VmPlacement } from '../model.js';
import { EvenPlaces } from './even-places.js';

/** The places of a group's VMs, each with how many it has. */
export interface Group {
  /** What all its VMs say. */
  rule: GroupRule;
  members: number;
  places: Record<GroupScope, Map<string, number>>;
  /** What spreads have asked of it. */
  views: View[];
}

/** A group's places among those that a request may use. */
interface View {
  group: Group;
  scope: GroupScope;
  usable: ReadonlySet<string>;
  even: EvenPlaces;
}

/** All views together are kept to about so many places: a spread over racks may have thousands. */
const mostViewedPlaces = 2 ** 18;
const placesOfSmallestView = 32;

/** The place that a host is in. A host without a rack is a rack of its own. */
export function placeOf(host: Host, scope: GroupScope): string {
  if (scope === 'site') return host.site;
  if (scope === 'host') return host.id;
  return host.rack === '' ? `${host.site}//${host.id}` : `${host.site}/${host.rack}`;
}

const scopes: readonly GroupScope[] = ['host', 'rack', 'site'];

export class Groups {
  readonly #groups = new Map<string, Group>();
  /** Those of all groups, the oldest first. */
  readonly #views = new Set<View>();
  #viewedPlaces = 0;

  get(administration: string, group: string): Group | undefined {
    return this.#groups.get(`${administration}/${group}`);
  }

  /** Counts a VM with these wishes on a host, or with `sign` -1 no more. */
  count(administration: string, placement: VmPlacement, host: Host, sign: 1 | -1): void {
    for (const rule of placement.groups ?? []) {
      const key = `${administration}/${rule.group}`;
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = {
          rule,
          members: 0,
          places: { host: new Map(), rack: new Map(), site: new Map() },
          views: [],
        };
        this.#groups.set(key, group);
      }
      group.members += sign;
      for (const scope of scopes) {
        const place = placeOf(host, scope);
        const before = group.places[scope].get(place) ?? 0;
        const count = before + sign;
        if (count === 0) group.places[scope].delete(place);
        else group.places[scope].set(place, count);
        for (const view of group.views) if (view.scope === scope) view.even.moved(place, before, count);
      }
      if (group.members > 0) continue;
      this.#groups.delete(key);
      for (const view of group.views) this.#forget(view);
    }
  }

  /** The usable places by how many of the group each has. */
  even(group: Group, scope: GroupScope, usable: ReadonlySet<string>): EvenPlaces {
    const known = group.views.find((view) => view.scope === scope && view.usable === usable);
    if (known !== undefined) return known.even;
    const view = { group, scope, usable, even: new EvenPlaces(usable, group.places[scope]) };
    group.views.push(view);
    this.#views.add(view);
    this.#viewedPlaces += usable.size + placesOfSmallestView;
    for (const oldest of this.#views) {
      if (this.#viewedPlaces <= mostViewedPlaces || oldest === view) break;
      oldest.group.views = oldest.group.views.filter((other) => other !== oldest);
      this.#forget(oldest);
    }
    return view.even;
  }

  #forget(view: View): void {
    this.#views.delete(view);
    this.#viewedPlaces -= view.usable.size + placesOfSmallestView;
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
