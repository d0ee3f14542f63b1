/**
 * What placement should answer, worked out from the entities alone in the plainest way: every host, every rule, no
 * index. It shares no code with what it is held against.
 */
import type { GroupRule, Host, Resources, Vm } from '../../../../scheduler/core/model.js';
import type { PlacementRequest } from '../../../../scheduler/core/placement/request.js';
import type { State } from '../../../../scheduler/core/state.js';

type Place = (host: Host) => string;

const places: Record<GroupRule['scope'], Place> = {
  host: (host) => `host ${host.id}`,
  rack: (host) => (host.rack === '' ? `alone ${host.id}` : `rack ${host.site} ${host.rack}`),
  site: (host) => `site ${host.site}`,
};

/** The best host's id, or null; and for each host the reason that excludes it first. */
export interface Expected {
  host: string | null;
  reasons: Map<string, string>;
  /** For each reason, hosts that have no other. */
  soles: Map<string, number>;
}

export function expected(state: State, request: PlacementRequest): Expected {
  const hosts = [...state.hosts.values()].filter(({ state: now }) => now !== 'retired');
  const vms = [...state.vms.values()].filter(({ host }) => host !== null);
  const view = new View(state, vms, request);
  const reasons = new Map<string, string>();
  const soles = new Map<string, number>();
  const fitting: Host[] = [];
  for (const host of hosts) {
    const all = view.reasons(host, hosts);
    if (all.length === 0) fitting.push(host);
    else reasons.set(host.id, all[0] as string);
    if (all.length === 1) soles.set(all[0] as string, (soles.get(all[0] as string) ?? 0) + 1);
  }
  const ranked = fitting.map((host) => ({
    host,
    violations: view.softViolations(host, hosts),
    free: view.free(host),
  }));
  const slotMib = state.hostTable.index.slotMib;
  const slots = (host: Host) => view.slots(host, slotMib);
  ranked.sort(
    (a, b) =>
      a.violations - b.violations ||
      view.price(a.host) - view.price(b.host) ||
      view.distance(a.host) - view.distance(b.host) ||
      Number(slots(a.host).broken) - Number(slots(b.host).broken) ||
      slots(a.host).restMib - slots(b.host).restMib ||
      slots(a.host).whole - slots(b.host).whole ||
      a.free.memoryMib - b.free.memoryMib ||
      a.free.vcpus - b.free.vcpus ||
      (a.host.id < b.host.id ? -1 : 1),
  );
  return { host: ranked[0]?.host.id ?? null, reasons, soles };
}

/** The VMs that would have to make room, and the host, found by trying all sets of VMs of every host. */
export function expectedDisplacement(
  state: State,
  request: PlacementRequest,
  priority: string,
): { host: string; vms: string[] } | null {
  const order = ['spare', 'low', 'normal', 'high', 'critical'];
  const hosts = [...state.hosts.values()].filter(({ state: now }) => now !== 'retired');
  const vms = [...state.vms.values()].filter(({ host }) => host !== null);
  const view = new View(state, vms, request);
  const found: { host: string; vms: string[]; memoryMib: number; vcpus: number }[] = [];
  for (const host of hosts) {
    const reasons = view.reasons(host, hosts);
    if (reasons.length === 0 || !reasons.every((reason) => /LACKS_(MEMORY|VCPUS)/.test(reason))) continue;
    const giving = vms.filter(
      (vm) =>
        vm.host === host.id &&
        order.indexOf(vm.priority ?? 'normal') < order.indexOf(priority) &&
        view.ancestors(vm.administration).includes(request.administration) &&
        !vm.deletionProtection &&
        vm.displacedFor === undefined &&
        vm.desired !== 'deleted',
    );
    const free = view.free(host);
    for (let set = 1; set < 2 ** giving.length; set += 1) {
      const some = giving.filter((_, bit) => (set >> bit) % 2 === 1);
      const memoryMib = some.reduce((sum, vm) => sum + vm.spec.memoryMib, 0);
      const vcpus = some.reduce((sum, vm) => sum + vm.spec.vcpus, 0);
      if (some.length > 8) continue;
      if (free.memoryMib + memoryMib < request.needs.memoryMib || free.vcpus + vcpus < request.needs.vcpus)
        continue;
      const names = some.map((vm) => `${vm.administration}/${vm.id}`).sort();
      found.push({ host: host.id, vms: names, memoryMib, vcpus });
    }
  }
  const before = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  found.sort(
    (a, b) =>
      a.vms.length - b.vms.length ||
      a.memoryMib - b.memoryMib ||
      a.vcpus - b.vcpus ||
      before(a.host, b.host) ||
      before(a.vms.join(), b.vms.join()),
  );
  const [best] = found;
  return best === undefined ? null : { host: best.host, vms: best.vms };
}

class View {
  constructor(
    readonly state: State,
    readonly vms: Vm[],
    readonly request: PlacementRequest,
  ) {}

  capacity({ capacity, site, vcpuOvercommitPercent }: Host): Resources {
    const percent = vcpuOvercommitPercent ?? this.state.sites.get(site)?.vcpuOvercommitPercent ?? 100;
    return { ...capacity, vcpus: Math.floor((capacity.vcpus * percent) / 100) };
  }

  free(host: Host): Resources {
    const free = this.capacity(host);
    for (const vm of this.vms) {
      if (vm.host !== host.id) continue;
      free.vcpus -= vm.displacedFor === undefined ? vm.spec.vcpus : 0;
      free.memoryMib -= vm.displacedFor === undefined ? vm.spec.memoryMib : 0;
      free.diskMib -= vm.spec.pool === '' ? vm.spec.diskMib : 0;
      free.vms -= 1;
    }
    return free;
  }

  /** Whether the request would break a slot, and if not, what is left beyond the slots and how many those are. */
  slots(host: Host, slotMib: number): { broken: boolean; restMib: number; whole: number } {
    const notApart = { broken: true, restMib: 0, whole: 0 };
    if (this.request.needs.memoryMib >= slotMib) return notApart;
    const free = this.free(host).memoryMib;
    const total = this.capacity(host).memoryMib;
    const parted = total > slotMib && total % slotMib >= slotMib / 8;
    const restMib = parted ? free % slotMib : free;
    if (restMib < this.request.needs.memoryMib) return notApart;
    return { broken: false, restMib, whole: (free - restMib) / slotMib };
  }

  usable(host: Host): boolean {
    const site = this.state.sites.get(host.site);
    const recovering = this.state.federation.recoveringSites.includes(host.site);
    return host.state === 'ready' && !host.cordoned && site?.cordoned !== true && !recovering;
  }

  traits(host: Host): string[] {
    const features = (host.inventory?.['cpuFeatures'] ?? []) as string[];
    return [...host.traits, ...features.map((feature) => `cpu:${feature}`)];
  }

  /** Reasons that lie in the request and in what kind of host it is. */
  kindReasons(host: Host): string[] {
    const { placement, pool, architecture, administration } = this.request;
    const { sites, countries, jurisdictions = [], requiredTraits = [], forbiddenTraits = [] } = placement;
    const site = this.state.sites.get(host.site);
    const traits = this.traits(host);
    const reasons: string[] = [];
    const elsewhere =
      (sites.length > 0 && !sites.includes(host.site)) ||
      (countries.length > 0 && !countries.includes(site?.country ?? '')) ||
      (jurisdictions.length > 0 && !site?.jurisdictions.some((one) => jurisdictions.includes(one)));
    if (elsewhere) reasons.push('NOT_ALLOWED_THERE');
    if (host.dedicatedTo !== null && !this.ancestors(administration).includes(host.dedicatedTo)) {
      reasons.push('DEDICATED_TO_OTHERS');
    }
    if (!requiredTraits.every((trait) => traits.includes(trait))) reasons.push('LACKS_TRAIT');
    if (forbiddenTraits.some((trait) => traits.includes(trait))) reasons.push('FORBIDDEN_TRAIT');
    if (placement.excludedHosts.includes(host.id)) reasons.push('EXCLUDED_BY_REQUEST');
    if (this.request.refusedBy.includes(host.id)) reasons.push('REFUSED_BEFORE');
    if (host.inventory?.['architecture'] !== architecture) reasons.push('OTHER_ARCHITECTURE');
    if (pool !== '' && !this.state.pools.get(pool)?.hosts.includes(host.id)) reasons.push('POOL_NOT_MOUNTED');
    return reasons;
  }

  ancestors(administration: string): string[] {
    const parent = this.state.administrations.get(administration)?.parent ?? null;
    return [administration, ...(parent === null ? [] : this.ancestors(parent))];
  }

  reasons(host: Host, hosts: Host[]): string[] {
    const site = this.state.sites.get(host.site);
    const reasons: string[] = [];
    if (host.state !== 'ready') reasons.push('HOST_NOT_CONNECTED');
    if (host.cordoned || site?.cordoned) reasons.push('CORDONED');
    if (this.state.federation.recoveringSites.includes(host.site)) reasons.push('SITE_RECOVERING');
    reasons.push(...this.kindReasons(host));
    const groups = this.request.placement.groups ?? [];
    const broken = groups.filter((rule) => !rule.soft && this.breaks(rule, host, hosts));
    if (broken.some(({ policy }) => policy === 'affinity')) reasons.push('AWAY_FROM_GROUP');
    if (broken.some(({ policy }) => policy === 'anti_affinity')) reasons.push('TOO_CLOSE_TO_GROUP');
    if (broken.some(({ policy }) => policy === 'spread')) reasons.push('UNEVEN_SPREAD');
    if (site?.keepFailoverRoom && !this.leavesRoom(host.site, hosts)) reasons.push('ROOM_KEPT_FREE');
    const free = this.free(host);
    if (free.memoryMib < this.request.needs.memoryMib) reasons.push('LACKS_MEMORY');
    if (free.vcpus < this.request.needs.vcpus) reasons.push('LACKS_VCPUS');
    if (free.diskMib < this.request.needs.diskMib) reasons.push('LACKS_DISK');
    if (free.vms < this.request.needs.vms) reasons.push('LACKS_VM_SLOTS');
    return reasons;
  }

  /** What its site costs, for a VM that cares. */
  price(host: Host): number {
    return this.request.placement.preferCheap ? (this.state.sites.get(host.site)?.priceTier ?? 0) : 0;
  }

  /** How far its site is from the one that the VM likes best. */
  distance(host: Host): number {
    const { preferredSites = [], preferredSitesInOrder = false } = this.request.placement;
    for (const [at, site] of preferredSites.entries()) {
      if (site === host.site) return preferredSitesInOrder ? at : 0;
    }
    return 1000;
  }

  softViolations(host: Host, hosts: Host[]): number {
    const { groups = [], preferredTraits = [] } = this.request.placement;
    const missing = preferredTraits.filter((trait) => !this.traits(host).includes(trait)).length;
    return missing + groups.filter((rule) => rule.soft && this.breaks(rule, host, hosts)).length;
  }

  breaks({ group, policy, scope, maxSkew }: GroupRule, host: Host, hosts: Host[]): boolean {
    const place = places[scope];
    const counts = new Map<string, number>();
    for (const vm of this.vms) {
      if (vm.administration !== this.request.administration) continue;
      if (!vm.placement.groups?.some((rule) => rule.group === group)) continue;
      const at = place(this.state.hosts.get(vm.host as string) as Host);
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    if (this.request.leaving !== null) {
      const at = place(this.state.hosts.get(this.request.leaving) as Host);
      counts.set(at, (counts.get(at) ?? 0) - 1);
    }
    const here = counts.get(place(host)) ?? 0;
    if (policy === 'affinity') return [...counts.values()].some((count) => count > 0) && here <= 0;
    if (policy === 'anti_affinity') return here > 0;
    const canBeUsed = (other: Host) => this.usable(other) && this.kindReasons(other).length === 0;
    const fewest = hosts
      .filter(canBeUsed)
      .map((other) => counts.get(place(other)) ?? 0)
      .reduce((least, count) => Math.min(least, count), Number.POSITIVE_INFINITY);
    const counted = hosts.some((other) => place(other) === place(host) && canBeUsed(other));
    return !counted || here + 1 - fewest > maxSkew;
  }

  leavesRoom(site: string, hosts: Host[]): boolean {
    const here = hosts.filter((host) => host.site === site && this.usable(host));
    const moves = here.some(({ id }) => id === this.request.leaving);
    return (['vcpus', 'memoryMib', 'diskMib'] as const).every((resource) => {
      const free = here.reduce((sum, host) => sum + this.free(host)[resource], 0);
      const largest = here.reduce((most, host) => Math.max(most, this.capacity(host)[resource]), 0);
      const needs = moves ? 0 : this.request.needs[resource];
      return free - needs >= largest;
    });
  }
}
