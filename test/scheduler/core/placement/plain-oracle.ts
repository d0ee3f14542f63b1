/**
 * What placement should answer, worked out from the entities alone in the plainest way: every host, every rule, no
 * index. It shares no code with what it is held against.
 */
import type { GroupRule, Host, Resources, Site, Vm } from '../../../../scheduler/core/model.js';
import type { PlacementRequest } from '../../../../scheduler/core/placement/request.js';
import { LayoutView } from './plain-layouts.js';
import { PlainTenancy } from './plain-tenancy.js';
import type { State } from '../../../../scheduler/core/state.js';

type Place = (host: Host) => string;

const places: Record<GroupRule['scope'], Place> = {
  host: (host) => `host ${host.id}`,
  rack: (host) => (host.rack === '' ? `alone ${host.id}` : `rack ${host.site} ${host.rack}`),
  site: (host) => `site ${host.site}`,
};

const gib = (mib: number) => Math.floor(mib / 1024);

/** The best host's id, or null; and for each host the reason that excludes it first. */
export interface Expected {
  host: string | null;
  /** The cells that it gets there. */
  cells: number[];
  /** The agreement that it needs there. */
  agreement: string | undefined;
  reasons: Map<string, string>;
  /** For each reason, hosts that have no other. */
  soles: Map<string, number>;
  /** Of the hosts that an extra excludes first, how many have too few of each. */
  lackedExtras: Record<string, number>;
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
  }));
  const layouts = new LayoutView(view);
  const slotMib = request.layout === undefined ? state.hostTable.index.slotMib : 0;
  const slots = (host: Host) => view.slots(host, slotMib);
  ranked.sort(
    (a, b) =>
      a.violations - b.violations ||
      Number(view.sparesGpusOf(a.host)) - Number(view.sparesGpusOf(b.host)) ||
      view.price(a.host) - view.price(b.host) ||
      view.distance(a.host) - view.distance(b.host) ||
      view.freeExtrasThatCount(a.host) - view.freeExtrasThatCount(b.host) ||
      Number(slots(a.host).broken) - Number(slots(b.host).broken) ||
      slots(a.host).restMib - slots(b.host).restMib ||
      slots(a.host).whole - slots(b.host).whole ||
      gib(layouts.room(a.host).memoryMib) - gib(layouts.room(b.host).memoryMib) ||
      // Where no slot is broken, it does not count how old the content is.
      (slots(a.host).broken ? view.contentStart(a.host) - view.contentStart(b.host) : 0) ||
      layouts.room(a.host).vcpus - layouts.room(b.host).vcpus ||
      (a.host.id < b.host.id ? -1 : 1),
  );
  const lackedExtras: Record<string, number> = {};
  for (const host of hosts.filter(({ id }) => reasons.get(id) === 'LACKS_EXTRA')) {
    for (const name of view.lackedExtras(host)) lackedExtras[name] = (lackedExtras[name] ?? 0) + 1;
  }
  const best = ranked[0]?.host;
  const cells = best === undefined ? [] : layouts.cells(best);
  const site = best === undefined ? undefined : state.sites.get(best.site);
  const agreement = site === undefined ? undefined : view.tenancy.agreementOn(site);
  return { host: best?.id ?? null, cells, agreement, reasons, soles, lackedExtras };
}

/** The VMs that would have to make room, and the host, found by trying all sets of VMs of every host. */
export function expectedDisplacement(
  state: State,
  request: PlacementRequest,
  priority: string,
): { host: string; vms: string[] } | null {
  if (request.layout !== undefined) return null;
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
        vm.parked !== true &&
        vm.spec.extras === undefined &&
        vm.spec.hugepageKib === undefined &&
        vm.spec.numa === undefined &&
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

export class View {
  readonly tenancy: PlainTenancy;

  constructor(
    readonly state: State,
    readonly vms: Vm[],
    readonly request: PlacementRequest,
  ) {
    this.tenancy = new PlainTenancy(state, vms, request);
  }

  capacity(host: Host): Resources {
    const vcpus = Math.floor((host.capacity.vcpus * this.percent(host)) / 100);
    return { ...host.capacity, vcpus };
  }

  percent({ site, vcpuOvercommitPercent }: Host): number {
    return vcpuOvercommitPercent ?? this.state.sites.get(site)?.vcpuOvercommitPercent ?? 100;
  }

  on(host: Host): Vm[] {
    return this.vms.filter((vm) => vm.host === host.id);
  }

  free(host: Host): Resources {
    const free = this.capacity(host);
    const dedicated = this.on(host)
      .filter(({ spec }) => spec.numa?.dedicatedCpus)
      .reduce((sum, { spec }) => sum + spec.vcpus, 0);
    free.vcpus = Math.floor(((host.capacity.vcpus - dedicated) * this.percent(host)) / 100);
    for (const vm of this.on(host)) {
      const holds = vm.displacedFor === undefined && vm.parked !== true;
      free.vcpus -= holds && !vm.spec.numa?.dedicatedCpus ? vm.spec.vcpus : 0;
      free.memoryMib -= holds && vm.spec.hugepageKib === undefined ? vm.spec.memoryMib : 0;
      free.diskMib -= vm.spec.pool === '' ? vm.spec.diskMib : 0;
      free.vms -= 1;
    }
    return free;
  }

  /** The mean minute in which its VMs were created, by their memory in pieces of 64 MiB; endless when they have none. */
  contentStart(host: Host): number {
    const holding = this.on(host).filter(
      (vm) => vm.displacedFor === undefined && vm.parked !== true && !vm.spec.hugepageKib,
    );
    const minutes = holding.flatMap(({ spec, createdMs }) =>
      Array.from({ length: Math.ceil(spec.memoryMib / 64) }, () => BigInt(Math.floor(createdMs / 60_000))),
    );
    if (minutes.length === 0) return Number.MAX_SAFE_INTEGER;
    return Number(minutes.reduce((sum, minute) => sum + minute, 0n) / BigInt(minutes.length));
  }

  freeOfExtra(host: Host, name: string): number {
    const held = this.vms.filter((vm) => vm.host === host.id).map((vm) => vm.spec.extras?.[name] ?? 0);
    return held.reduce((free, count) => free - count, host.capacity.extras?.[name] ?? 0);
  }

  /** Whether its VMs hold more than it has, of what a new one may need nothing of. */
  isShort(host: Host): boolean {
    const names = this.on(host).flatMap(({ spec }) => Object.keys(spec.extras ?? {}));
    return (
      this.free(host).diskMib < 0 ||
      names.some((name) => this.freeOfExtra(host, name) < 0) ||
      new LayoutView(this).isShort(host)
    );
  }

  lackedExtras(host: Host): string[] {
    const { extras = {} } = this.request;
    return Object.keys(extras).filter((name) => this.freeOfExtra(host, name) < (extras[name] ?? 0));
  }

  /** Extras of all kinds, for a request that asks for some. */
  freeExtrasThatCount(host: Host): number {
    if (this.request.extras === undefined) return 0;
    const names = Object.keys(host.capacity.extras ?? {});
    return names.reduce((sum, name) => sum + Math.max(0, this.freeOfExtra(host, name)), 0);
  }

  sparesGpusOf(host: Host): boolean {
    const areGpus = (extras = {}) => Object.keys(extras).some((name) => name.startsWith('gpu:'));
    return areGpus(host.capacity.extras) && !areGpus(this.request.extras);
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
    const mayTake = !host.cordoned && site?.cordoned !== true && !this.isShort(host);
    return host.state === 'ready' && mayTake && !recovering;
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
    if (!this.tenancy.lawful(site as Site)) reasons.push('NOT_LAWFUL');
    if (this.tenancy.agreements(site as Site)?.length === 0) reasons.push('NO_AGREEMENT');
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
    if (this.isShort(host)) reasons.push('HOLDS_TOO_MUCH');
    if (this.state.federation.recoveringSites.includes(host.site)) reasons.push('SITE_RECOVERING');
    reasons.push(...this.kindReasons(host));
    const groups = this.request.placement.groups ?? [];
    const broken = groups.filter((rule) => !rule.soft && this.breaks(rule, host, hosts));
    if (broken.some(({ policy }) => policy === 'affinity')) reasons.push('AWAY_FROM_GROUP');
    if (broken.some(({ policy }) => policy === 'anti_affinity')) reasons.push('TOO_CLOSE_TO_GROUP');
    if (broken.some(({ policy }) => policy === 'spread')) reasons.push('UNEVEN_SPREAD');
    if (site?.keepFailoverRoom && !this.leavesRoom(host.site, hosts)) reasons.push('ROOM_KEPT_FREE');
    reasons.push(...this.tenancy.closes(site as Site));
    if (this.lackedExtras(host).length > 0) reasons.push('LACKS_EXTRA');
    const free = this.free(host);
    const layouts = new LayoutView(this);
    if (layouts.lacksHugepages(host)) reasons.push('LACKS_HUGEPAGES');
    if (free.memoryMib < this.request.needs.memoryMib) reasons.push('LACKS_MEMORY');
    if (layouts.lacksDedicatedCpus(host)) reasons.push('LACKS_DEDICATED_CPUS');
    if (free.vcpus < this.request.needs.vcpus) reasons.push('LACKS_VCPUS');
    if (free.diskMib < this.request.needs.diskMib) reasons.push('LACKS_DISK');
    if (free.vms < this.request.needs.vms) reasons.push('LACKS_VM_SLOTS');
    if (layouts.lacksCells(host)) reasons.push('LACKS_NUMA_CELL');
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

  dedicatedCpus(): number {
    return this.request.layout?.dedicatedCpus ? this.request.layout.vcpus : 0;
  }

  leavesRoom(site: string, hosts: Host[]): boolean {
    const here = hosts.filter((host) => host.site === site && this.usable(host));
    const moves = here.some(({ id }) => id === this.request.leaving);
    return (['vcpus', 'memoryMib', 'diskMib'] as const).every((resource) => {
      const free = here.reduce((sum, host) => sum + this.free(host)[resource], 0);
      const largest = here.reduce((most, host) => Math.max(most, this.capacity(host)[resource]), 0);
      // A dedicated CPU takes what the overcommit would make of it.
      const ofDedicated = here.map((host) => Math.ceil((this.dedicatedCpus() * this.percent(host)) / 100));
      const vcpus = this.request.needs.vcpus + Math.max(0, ...ofDedicated);
      const needs = moves ? 0 : resource === 'vcpus' ? vcpus : this.request.needs[resource];
      return free - needs >= largest;
    });
  }
}
