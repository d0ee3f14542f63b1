/**
 * Which hosts are on offer, and under which profile: the index, kept in step with the state. Rules that read the
 * host alone decide whether it is on offer; when what they read changes, the host has to be offered anew.
 */
import type { Host, StoragePool } from '../model.js';
import type { State } from '../state.js';
import type { PlacementRequest } from './placement.js';
import { Profiles } from './profiles.js';
import type { Excluding, RankRows } from './rank-rows/rank-rows.js';
import { type ProfileOfHost, rules } from './rules/index.js';

const hostRules = rules.filter((rule) => rule.reads === 'host');
const nameRules = rules.filter((rule) => rule.reads === 'name');

export class Offers {
  readonly #state: State;
  readonly #index: RankRows;
  readonly #profiles = new Profiles();
  /** The number of each host's profile, by row; undefined for one that is not on offer. */
  readonly #profileOf: (number | undefined)[] = [];
  /** The ids of the shared pools that a host mounts, sorted, by host id. */
  readonly #poolsOf = new Map<string, readonly string[]>();

  constructor(state: State, index: RankRows) {
    this.#state = state;
    this.#index = index;
  }

  /** To be called after anything that a rule reads of the host has changed. */
  host(host: Host): void {
    const row = this.#state.hostTable.row(host.id) as number;
    const before = this.#profileOf[row];
    const excluded = hostRules.some((rule) => rule.excludes(this.#state, host));
    const now = excluded ? undefined : this.#profiles.take(this.profile(host));
    this.#index.offer(row, now ?? null);
    this.#profileOf[row] = now;
    if (before !== undefined) this.#profiles.release(before);
  }

  /** To be called after what a rule reads of these sites has changed. */
  sites(ids: readonly string[]): void {
    for (const host of this.#state.hosts.values()) if (ids.includes(host.site)) this.host(host);
  }

  addPool(pool: StoragePool): void {
    this.#setPools(pool, (pools) => [...pools, pool.id].sort());
  }

  removePool(pool: StoragePool): void {
    this.#setPools(pool, (pools) => pools.filter((id) => id !== pool.id));
  }

  #setPools(pool: StoragePool, change: (pools: readonly string[]) => readonly string[]): void {
    for (const id of pool.hosts) {
      this.#poolsOf.set(id, change(this.#poolsOf.get(id) ?? []));
      const host = this.#state.hosts.get(id);
      if (host !== undefined) this.host(host);
    }
  }

  /** What rules that are asked once a profile read of this host. */
  profile(host: Host): ProfileOfHost {
    const architecture = String(host.inventory?.['architecture'] ?? '');
    return { site: host.site, architecture, pools: this.#poolsOf.get(host.id) ?? [] };
  }

  /** The row of the best host for a request; -1 if none can take it. */
  find(request: PlacementRequest): number {
    const { needs, placement, refusedBy } = request;
    const named = placement.excludedHosts.length + refusedBy.length > 0;
    const mask = this.#profiles.mask(this.#state, request);
    return this.#index.find(needs, mask, named ? this.#excluding(request) : null);
  }

  #excluding(request: PlacementRequest): Excluding {
    const { hosts } = this.#state.hostTable;
    return {
      excludes: (row) => nameRules.some((rule) => rule.excludes(this.#state, hosts[row] as Host, request)),
    };
  }
}
