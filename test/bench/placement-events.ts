/** Large things that happen at once: a site is lost and all its VMs need other hosts, and many VMs come in one call. */
import { decide } from '../../scheduler/core/decide.js';
import type { GroupRule, HostState, Resources, VmPlacement } from '../../scheduler/core/model.js';
import { place } from '../../scheduler/core/placement/placement.js';
import type { NewVm } from '../../scheduler/core/commands.js';
import { collectGarbage } from './placement-collect.js';
import { usualDemands } from './placement-demands.js';
import { presentMinute } from './placement-fill.js';
import { type Fleet, requestOf } from './placement-fleet.js';
import { type Place, sites } from './placement-places.js';
import { decideAll } from './placement-scenario.js';

export interface SiteLoss {
  hosts: number;
  vms: number;
  placed: number;
  /** VMs that no host could take, and among them those that may be on no other site. */
  refused: number;
  bound: number;
  seconds: number;
}

/** Loses a site, decides all its VMs anew, and then makes it as if nothing had been. */
export function loseSite(fleet: Fleet, site: number): SiteLoss {
  const { state, vms, sizes, places } = fleet;
  const lostId = (sites[site] as { id: string }).id;
  const lostHosts = [...state.hosts.values()].filter((host) => host.site === lostId);
  const onSite = [...vms.host.keys()].filter((vm) => fleet.columns.site[vms.host[vm] as number] === site);
  const needsOf = (vm: number) => sizes.all[vms.size[vm] as number] as Resources;
  const rows = new Int32Array(onSite.length);
  const startedMs = performance.now();
  for (const host of lostHosts) offer(fleet, host.id, 'lost');
  for (const [index, vm] of onSite.entries()) {
    const { placement } = places[vms.place[vm] as number] as Place;
    rows[index] = fleet.decide(requestOf(needsOf(vm), placement));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  let placed = 0;
  let bound = 0;
  for (const [index, vm] of onSite.entries()) {
    const row = rows[index] as number;
    if (row < 0) {
      if ((places[vms.place[vm] as number] as Place).sites === 1 << site) bound += 1;
      continue;
    }
    if (fleet.columns.site[row] === site) throw new Error('a VM was placed on the lost site');
    placed += 1;
    fleet.claim(row, needsOf(vm), presentMinute, -1);
  }
  for (const host of lostHosts) offer(fleet, host.id, 'ready');
  const refused = onSite.length - placed;
  return { hosts: lostHosts.length, vms: onSite.length, placed, refused, bound, seconds };
}

function offer({ state }: Fleet, id: string, hostState: HostState): void {
  const host = state.hosts.get(id);
  if (host === undefined) throw new Error(`no host ${id}`);
  host.state = hostState;
  state.offers.host(host);
}

/** No groups at all. */
export const ungrouped = (): GroupRule[] => [];

/** One of two is to be on a host of its own, and the others evenly over the racks. */
export function grouped(index: number): GroupRule[] {
  const soft = false;
  return index % 2 === 0
    ? [{ group: 'apart', policy: 'anti_affinity', scope: 'host', soft, maxSkew: 0 }]
    : [{ group: 'even', policy: 'spread', scope: 'rack', soft, maxSkew: 2 }];
}

/**
 * Decides one call that makes so many VMs, all or none, or with best effort as many as can be, and gives the milliseconds
 * that it took. On a full fleet an even spread may leave large VMs without a host.
 */
export function createMany(
  fleet: Fleet,
  count: number,
  groupsOf: (index: number) => GroupRule[],
  bestEffort: boolean,
): number {
  const { world, state, sizes, random } = fleet;
  const vms: NewVm[] = Array.from({ length: count }, (_, index) => {
    const { vcpus, memoryMib, diskMib } = sizes.all[sizes.draw(random)] as Resources;
    const groups = groupsOf(index);
    const placement = {
      sites: [],
      countries: [],
      excludedHosts: [],
      ...(groups.length > 0 ? { groups } : {}),
    };
    return world.newVm(`gang-${index}`, { vcpus, memoryMib, diskMib, placement });
  });
  const command = { ...world.createOf(vms), bestEffort };
  const startedMs = performance.now();
  const decision = decide(state, command, world.nowMs);
  const tookMs = performance.now() - startedMs;
  if (decision.refusal) throw new Error(decision.refusal.message);
  const refused = decision.reply(state).refused.length;
  if (!bestEffort && refused > 0) throw new Error(`${refused} refused`);
  if (decision.changes.length !== count - refused + 1) throw new Error(`${decision.changes.length} changes`);
  return tookMs;
}

/** Decisions a second for VMs that prefer cheap sites, while sites have so many different prices. */
export function decidePreferring(fleet: Fleet, tiers: number): number {
  const { world } = fleet;
  const price = (priceOf: (site: number) => number) => {
    for (const [site, { id }] of sites.entries()) {
      world.run({ type: 'site.update', id, priceTier: priceOf(site), etag: '' });
    }
  };
  price((site) => site % tiers);
  const preferring = new Map<VmPlacement, VmPlacement>();
  const demands = usualDemands(fleet, 100_000).map((demand) => {
    const { placement } = demand.request;
    const known = preferring.get(placement) ?? { ...placement, preferCheap: true };
    preferring.set(placement, known);
    return { ...demand, request: { ...demand.request, placement: known } };
  });
  collectGarbage();
  const { decisions } = decideAll(fleet, demands);
  price(() => 0);
  return decisions;
}

/** Asks for a VM that is too large for any host, and gives the milliseconds until it was said why. */
export function refuse(fleet: Fleet): number {
  const needs = { vcpus: 1, memoryMib: 2 ** 30, diskMib: 1, vms: 1 };
  const request = requestOf(needs, (fleet.places[0] as Place).placement);
  const startedMs = performance.now();
  const { noHost } = place(fleet.state, request);
  const tookMs = performance.now() - startedMs;
  if (noHost?.excluded.get('LACKS_MEMORY')?.hosts !== fleet.columns.hosts) throw new Error('another refusal');
  return tookMs;
}

/**
 * The milliseconds of the longest of the first decisions in a fleet that has decided nothing yet, and is asked for
 * sizes that nobody could have guessed: its index finds that its ranks are cut elsewhere, and cuts them anew.
 */
export function longestWithNewCuts(fleet: Fleet): number {
  const { index } = fleet.state.hostTable;
  const before = index.bytes;
  const demands = usualDemands(fleet, 10_000);
  collectGarbage();
  const { longest } = decideAll(fleet, demands);
  if (index.bytes === before) throw new Error('the index did not cut its ranks anew');
  return longest / 1000;
}
