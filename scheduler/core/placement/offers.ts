/**
 * Which hosts are on offer, and under which profile: the index, kept in step with the state. Rules that read the
 * host alone decide whether it is on offer; when what they read changes, the host has to be offered anew.
 */
import type { GroupScope, Host, StoragePool } from '../model.js';
import { hasGpus } from '../extras.js';
import type { State } from '../state.js';
import { placeOf } from './groups.js';
import { Profiles } from './profiles.js';
import { hasProfile, type ProfileMask } from './rank-rows/rank-rows.js';
import { type ProfileOfHost, rules } from './rules/index.js';
import type { SlotRows } from './slots/slot-rows.js';
import { SiteRooms } from './site-rooms.js';

/** The usable places of all kinds of requests together are kept up to about so many. */
const mostUsableKept = 2 ** 18;
const placesOfSmallestSet = 32;

const hostRules = rules.filter((rule) => rule.reads === 'host');

export class Offers {
  readonly #state: State;
  readonly index: SlotRows;
  readonly profiles = new Profiles();
  readonly siteRooms: SiteRooms;
  /** The number of each host's profile, by row. */
  readonly #profileOf: number[] = [];
  /** The ids of the shared pools that a host mounts, sorted, by host id. */
  readonly #poolsOf = new Map<string, readonly string[]>();
  /** The rows of the hosts of each rack, and the rack of each row. */
  readonly #rowsOfRack = new Map<string, Set<number>>();
  readonly #rackOf: string[] = [];
  /** What was read of the inventory of each row, and of which one. */
  readonly #cpus: Cpu[] = [];
  readonly #cpuOfFeatures = new WeakMap<readonly unknown[], Cpu>();
  readonly #inventories: Host['inventory'][] = [];
  /** The profile under which each host is on offer, by row; null for one that is not. */
  readonly #offeredAs: (number | null)[] = [];
  /** What `usable` has found, until a host is on offer that was not, or is no more. */
  readonly #usable = new Map<ProfileMask, Map<string, Set<string>>>();
  #usableKept = 0;
  readonly #short = new Set<number>();
  #together = false;

  constructor(state: State) {
    this.#state = state;
    this.index = state.hostTable.index;
    this.siteRooms = new SiteRooms(state.hostTable);
  }

  /** To be called after anything that a rule reads of the host has changed. */
  host(host: Host): void {
    const row = this.#state.hostTable.row(host.id) as number;
    const before = this.#profileOf[row];
    if (this.#state.hostTable.isShort(row)) this.#short.add(row);
    else this.#short.delete(row);
    const cpu = this.#cpu(row, host.inventory);
    const profile = this.profiles.take(this.#profileKey(host, cpu), () => this.#profile(host, cpu));
    const offered = !hostRules.some((rule) => rule.excludes(this.#state, host));
    const offeredAs = offered ? profile : null;
    this.index.offer(row, offeredAs);
    this.#state.hostTable.rooms.offer(row, offeredAs);
    const rack = placeOf(host, 'rack');
    if (this.#offeredAs[row] !== offeredAs || this.#rackOf[row] !== rack) this.#forgetUsable();
    this.#offeredAs[row] = offeredAs;
    this.#profileOf[row] = profile;
    if (before !== undefined) this.profiles.release(before);
    this.#setRack(row, rack);
    const counts = offered && this.#state.sites.get(host.site)?.keepFailoverRoom === true;
    const { hostTable } = this.#state;
    const capacity = counts ? hostTable.capacity(host) : null;
    this.siteRooms.use(row, host.site, capacity, hostTable.vcpuPercent(row));
  }

  /** To be called after VMs have taken of a host, or given back, what it may have less of than they hold. */
  claimed(row: number): void {
    const { hostTable } = this.#state;
    if (!this.#together && hostTable.isShort(row) !== this.isShort(row))
      this.host(hostTable.hosts[row] as Host);
  }

  /** Whether a host was found to have less than its VMs hold. */
  isShort(row: number): boolean {
    return this.#short.has(row);
  }

  /** For many claims at once: what they come to is looked at after the last one. */
  claimTogether(claims: () => void): void {
    const { hostTable } = this.#state;
    this.#together = true;
    hostTable.claimTogether(claims);
    this.#together = false;
    for (let row = 0; row < hostTable.count; row += 1) this.claimed(row);
  }

  /** To be called after what a rule reads of these sites has changed. */
  sites(ids: readonly string[]): void {
    this.profiles.forgetMasks();
    for (const host of this.#state.hosts.values()) if (ids.includes(host.site)) this.host(host);
  }

  addPool(pool: StoragePool): void {
    this.#setPools(pool, (pools) => [...pools, pool.id].sort());
  }

  removePool(pool: StoragePool): void {
    this.#setPools(pool, (pools) => pools.filter((id) => id !== pool.id));
  }

  /** What rules that are asked once a profile read of this host. */
  profile(row: number): ProfileOfHost {
    return this.profiles.get(this.profileNumber(row));
  }

  profileNumber(row: number): number {
    return this.#profileOf[row] as number;
  }

  racks(): Iterable<string> {
    return this.#rowsOfRack.keys();
  }

  rowsOfRack(rack: string): Iterable<number> {
    return this.#rowsOfRack.get(rack) ?? [];
  }

  /** The place of a host, as `placeOf` has it. */
  placeOf(row: number, scope: GroupScope): string {
    if (scope === 'rack') return this.#rackOf[row] as string;
    const { id, site } = this.#state.hostTable.hosts[row] as Host;
    return scope === 'site' ? site : id;
  }

  /**
   * The racks, or with them the sites, that have a host on offer under one of these profiles, not named here. Requests
   * that ask for the same get the same set; nobody may write to it.
   */
  usable(mask: ProfileMask, scope: 'rack' | 'site', named: readonly string[]): ReadonlySet<string> {
    const key = `${scope} ${named.join()}`;
    const known = this.#usable.get(mask)?.get(key);
    if (known !== undefined) return known;
    const places = this.#findUsable(mask, scope, new Set(named));
    this.#usableKept += places.size + placesOfSmallestSet;
    if (this.#usableKept > mostUsableKept) this.#forgetUsable();
    this.#usable.set(mask, (this.#usable.get(mask) ?? new Map<string, Set<string>>()).set(key, places));
    return places;
  }

  #forgetUsable(): void {
    this.#usable.clear();
    this.#usableKept = 0;
  }

  #findUsable(mask: ProfileMask, scope: 'rack' | 'site', named: ReadonlySet<string>): Set<string> {
    const { hosts } = this.#state.hostTable;
    const places = new Set<string>();
    for (const [rack, rows] of this.#rowsOfRack) {
      for (const row of rows) {
        const profile = this.#offeredAs[row] ?? null;
        if (profile === null || !hasProfile(mask, profile)) continue;
        const { id, site } = hosts[row] as Host;
        if (named.has(id)) continue;
        places.add(scope === 'rack' ? rack : site);
        break;
      }
    }
    return places;
  }

  #setPools(pool: StoragePool, change: (pools: readonly string[]) => readonly string[]): void {
    for (const id of pool.hosts) {
      this.#poolsOf.set(id, change(this.#poolsOf.get(id) ?? []));
      const host = this.#state.hosts.get(id);
      if (host !== undefined) this.host(host);
    }
  }

  #setRack(row: number, rack: string): void {
    const before = this.#rackOf[row];
    if (before === rack) return;
    if (before !== undefined) {
      const rows = this.#rowsOfRack.get(before);
      rows?.delete(row);
      if (rows?.size === 0) this.#rowsOfRack.delete(before);
    }
    this.#rackOf[row] = rack;
    const rows = this.#rowsOfRack.get(rack);
    if (rows === undefined) this.#rowsOfRack.set(rack, new Set([row]));
    else rows.add(row);
  }

  /** An inventory is replaced as a whole when it changes, and only then read again. */
  #cpu(row: number, inventory: Host['inventory']): Cpu {
    const known = this.#cpus[row];
    if (known !== undefined && this.#inventories[row] === inventory) return known;
    const cpu = this.#sharedCpu(inventory);
    this.#inventories[row] = inventory;
    this.#cpus[row] = cpu;
    return cpu;
  }

  /** Hosts that were bought together have the very same list of features (`Alike`), so they share what is read from it. */
  #sharedCpu(inventory: Host['inventory']): Cpu {
    const features = inventory?.['cpuFeatures'];
    if (!Array.isArray(features)) return cpuOf(inventory);
    const known = this.#cpuOfFeatures.get(features);
    if (known !== undefined && known.architecture === String(inventory?.['architecture'] ?? '')) return known;
    const cpu = cpuOf(inventory);
    this.#cpuOfFeatures.set(features, cpu);
    return cpu;
  }

  #profileKey(host: Host, { architecture, features }: Cpu): string {
    const pools = this.#poolsOf.get(host.id) ?? [];
    const gpus = hasGpus(host.capacity.extras);
    return JSON.stringify([host.site, architecture, host.dedicatedTo, host.traits, pools, features, gpus]);
  }

  #profile(host: Host, { architecture, features }: Cpu): ProfileOfHost {
    const ofCpu = features === '' ? [] : features.split(' ').map((feature) => `cpu:${feature}`);
    return {
      site: host.site,
      architecture,
      dedicatedTo: host.dedicatedTo,
      traits: new Set([...host.traits, ...ofCpu]),
      pools: this.#poolsOf.get(host.id) ?? [],
      hasGpus: hasGpus(host.capacity.extras),
    };
  }
}

interface Cpu {
  architecture: string;
  /** Sorted, with spaces between. */
  features: string;
}

function cpuOf(inventory: Host['inventory']): Cpu {
  if (inventory === null) return { architecture: '', features: '' };
  const { architecture, cpuFeatures } = inventory;
  const features = Array.isArray(cpuFeatures) ? cpuFeatures.map(String).sort().join(' ') : '';
  return { architecture: String(architecture ?? ''), features };
}
