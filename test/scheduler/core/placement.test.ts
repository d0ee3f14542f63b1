import fc from 'fast-check';
import { test } from 'tap';
import type { Host, Resources, VmPlacement } from '../../../scheduler/core/model.js';
import type { ExclusionCode, Explanation } from '../../../scheduler/core/placement/explanation.js';
import { place } from '../../../scheduler/core/placement/placement.js';
import type { PlacementRequest } from '../../../scheduler/core/placement/request.js';
import type { State } from '../../../scheduler/core/state.js';
import { holds } from '../holds.js';
import { roomy, World } from './world.js';

const anywhere: VmPlacement = { sites: [], countries: [], excludedHosts: [] };
const small: Resources = { vcpus: 1, memoryMib: 1024, diskMib: 1000, vms: 1 };
const request = (change: Partial<PlacementRequest> = {}): PlacementRequest => ({
  needs: small,
  administration: 'adm',
  dataClass: 'internal',
  holds: change.needs ?? small,
  counted: null,
  leaving: null,
  pool: '',
  architecture: 'x86_64',
  placement: anywhere,
  refusedBy: [],
  ...change,
});

/** Why this host cannot take the request, by the first rule in the order of the contract; null when it can. */
function reason(state: State, host: Host, wanted: PlacementRequest): ExclusionCode | null {
  const site = state.sites.get(host.site);
  const { sites, countries, excludedHosts } = wanted.placement;
  if (host.state !== 'ready') return 'HOST_NOT_CONNECTED';
  if (host.cordoned || site?.cordoned) return 'CORDONED';
  if (state.federation.recoveringSites.includes(host.site)) return 'SITE_RECOVERING';
  if (sites.length > 0 && !sites.includes(host.site)) return 'NOT_ALLOWED_THERE';
  if (countries.length > 0 && !countries.includes(site?.country ?? '')) return 'NOT_ALLOWED_THERE';
  if (excludedHosts.includes(host.id)) return 'EXCLUDED_BY_REQUEST';
  if (wanted.refusedBy.includes(host.id)) return 'REFUSED_BEFORE';
  if (host.inventory?.['architecture'] !== wanted.architecture) return 'OTHER_ARCHITECTURE';
  if (wanted.pool !== '' && !state.pools.get(wanted.pool)?.hosts.includes(host.id)) return 'POOL_NOT_MOUNTED';
  const free = freeOf(state, host);
  if (free.memoryMib < wanted.needs.memoryMib) return 'LACKS_MEMORY';
  if (free.vcpus < wanted.needs.vcpus) return 'LACKS_VCPUS';
  if (free.diskMib < wanted.needs.diskMib) return 'LACKS_DISK';
  if (free.vms < wanted.needs.vms) return 'LACKS_VM_SLOTS';
  return null;
}

/** Counted from the VMs themselves, not from any index. */
function freeOf(state: State, host: Host): Resources {
  const free = { ...host.capacity };
  for (const vm of state.vms.values()) {
    if (vm.host !== host.id) continue;
    free.vcpus -= vm.spec.vcpus;
    free.memoryMib -= vm.spec.memoryMib;
    free.diskMib -= vm.spec.pool === '' ? vm.spec.diskMib : 0;
    free.vms -= 1;
  }
  return free;
}

/** The host that is left with the least memory, then the fewest vCPUs, then the lowest id. */
function oracle(state: State, wanted: PlacementRequest): string | null {
  const fitting = [...state.hosts.values()].filter((host) => reason(state, host, wanted) === null);
  fitting.sort((a, b) => {
    const [freeA, freeB] = [freeOf(state, a), freeOf(state, b)];
    return freeA.memoryMib - freeB.memoryMib || freeA.vcpus - freeB.vcpus || (a.id < b.id ? -1 : 1);
  });
  return fitting[0]?.id ?? null;
}

const hostPlan = fc.record({
  site: fc.constantFrom('s0', 's1', 's2'),
  vcpus: fc.integer({ min: 0, max: 6 }),
  memoryMib: fc.integer({ min: 0, max: 6 }).map((gib) => gib * 1024),
  diskMib: fc.integer({ min: 0, max: 6 }).map((thousands) => thousands * 1000),
  vms: fc.integer({ min: 0, max: 4 }),
  architecture: fc.constantFrom('x86_64', 'x86_64', 'x86_64', 'aarch64'),
  fate: fc.constantFrom('ready', 'ready', 'ready', 'ready', 'joined', 'suspect', 'retired', 'cordoned'),
});
const subset = (names: string[]) => fc.subarray(names, { maxLength: 2 });
const wantedPlan = fc.record({
  vcpus: fc.integer({ min: 1, max: 4 }),
  memoryMib: fc.integer({ min: 1, max: 4 }).map((gib) => gib * 1024),
  diskMib: fc.integer({ min: 1, max: 4 }).map((thousands) => thousands * 1000),
  sites: subset(['s0', 's1', 's2']),
  countries: subset(['HR', 'SI']),
  excludedHosts: subset(['h0', 'h1', 'h2', 'h3']),
  refusedBy: subset(['h0', 'h1', 'h2', 'h3']),
  pool: fc.constantFrom('', '', '', 'nfs'),
  architecture: fc.constantFrom('x86_64', 'x86_64', 'x86_64', 'aarch64'),
});
const plan = fc.record({
  hosts: fc.array(hostPlan, { maxLength: 8 }),
  wanted: fc.array(wantedPlan, { minLength: 1, maxLength: 12 }),
  cordonedSite: fc.constantFrom('', '', '', 's1'),
  recoveringSite: fc.constantFrom('', '', '', 's2'),
  shuffle: fc.boolean(),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

function worldOf({ hosts, cordonedSite, recoveringSite, shuffle }: Plan): World {
  const world = new World();
  world.site('s0', 'HR');
  world.site('s1', 'SI');
  world.site('s2', 'HR');
  world.administration('adm');
  world.image('tiny');
  const named = hosts.map((host, index) => ({ id: `h${index}`, ...host }));
  for (const { id, site, architecture, fate, ...capacity } of shuffle ? named.reverse() : named) {
    world.join(id, site);
    if (fate === 'joined') continue;
    world.hello(id, { inventory: { architecture }, capacity });
    if (fate === 'suspect') world.run({ type: 'host.disconnected', id, reason: '' });
    if (fate === 'retired') world.run({ type: 'host.retire', id, etag: '' });
    if (fate === 'cordoned') world.run({ type: 'host.cordon', id, cordoned: true });
  }
  const mounting = named.filter((host) => host.site === 's0' && host.fate !== 'retired').map(({ id }) => id);
  if (mounting.length > 0) {
    world.run({
      type: 'pool.create',
      id: 'nfs',
      site: 's0',
      path: '/p',
      hosts: mounting.slice(0, 2),
      capacityMib: 10 ** 6,
    });
  }
  if (cordonedSite !== '') world.run({ type: 'site.cordon', id: cordonedSite, cordoned: true });
  if (recoveringSite !== '') world.run({ type: 'recovery.enter', sites: [recoveringSite], reason: 'x' });
  return world;
}

test('placement agrees with a plain oracle on the host, and on why there is none', async (t) => {
  holds(
    t,
    fc.property(plan, (given) => {
      const world = worldOf(given);
      const { state } = world;
      for (const [index, one] of given.wanted.entries()) {
        if (one.pool !== '' && !state.pools.has(one.pool)) continue;
        const { vcpus, memoryMib, diskMib, pool, architecture, refusedBy, ...placement } = one;
        const needs = { vcpus, memoryMib, diskMib: pool === '' ? diskMib : 0, vms: 1 };
        const wanted = { ...request(), needs, pool, architecture, placement, refusedBy };
        const found = place(state, wanted);
        const expected = oracle(state, wanted);
        if ((found.noHost ? null : found.host.id) !== expected) {
          throw new Error(`${found.noHost ? 'no host' : found.host.id} instead of ${expected}`);
        }
        if (found.noHost) checkReasons(state, wanted, found.noHost);
        else if (refusedBy.length === 0 && architecture === 'x86_64') {
          const vm = world.newVm(`vm-${index}`, { vcpus, memoryMib, diskMib, pool, placement });
          world.create(vm);
        }
      }
    }),
    400,
  );
});

function checkReasons(state: State, wanted: PlacementRequest, noHost: Explanation): void {
  const counts = new Map<string, number>();
  const hosts = [...state.hosts.values()].filter((host) => host.state !== 'retired');
  for (const host of hosts) {
    const code = reason(state, host, wanted) as string;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const plain = (map: ReadonlyMap<string, number>) => JSON.stringify([...map].sort());
  const excluded = new Map([...noHost.excluded].map(([code, { hosts }]) => [code, hosts]));
  if (noHost.hosts !== hosts.length || plain(excluded) !== plain(counts)) {
    throw new Error(`${plain(excluded)} of ${noHost.hosts} instead of ${plain(counts)}`);
  }
}

test('the host that is left with the least memory is taken, then the fewest vCPUs', async (t) => {
  const world = new World();
  world.site('s0');
  world.administration('adm');
  world.host('large', 's0');
  world.host('fewer-vcpus', 's0', { memoryMib: 4096, vcpus: 4 });
  world.host('more-vcpus', 's0', { memoryMib: 4096, vcpus: 8 });
  t.match(place(world.state, request()), { host: { id: 'fewer-vcpus' } });
});

test('among equal hosts the lowest id is taken, in whatever order they joined', async (t) => {
  for (const order of [
    ['c', 'a', 'b'],
    ['b', 'c', 'a'],
  ]) {
    const world = new World();
    world.site('s0');
    world.administration('adm');
    for (const id of order) world.host(id, 's0');
    t.match(place(world.state, request()), { host: { id: 'a' } }, order.join());
  }
});

test('the table of hosts grows, and every host keeps its row', async (t) => {
  const world = new World();
  world.site('s0');
  world.administration('adm');
  const count = 200;
  for (let index = 0; index < count; index += 1) {
    world.host(`h${index}`, 's0', { ...roomy, memoryMib: 100_000 - index });
  }
  const { hostTable } = world.state;
  t.equal(hostTable.count, count);
  const wrong = Array.from({ length: count }, (_, index) => index).filter((index) => {
    const row = hostTable.row(`h${index}`) as number;
    return hostTable.freeMemoryMib[row] !== 100_000 - index || hostTable.hosts[row]?.id !== `h${index}`;
  });
  t.same(wrong, []);
});

test('asking again may help while a host is away, and not when it is quarantined', async (t) => {
  const world = new World();
  world.site('s0');
  world.administration('adm');
  world.host('a', 's0');
  world.run({ type: 'host.disconnected', id: 'a', reason: '' });
  t.match(place(world.state, request()), { noHost: { temporary: true } });
  world.run({ type: 'host.quarantine', id: 'a', reason: 'two machines' });
  t.match(place(world.state, request()), { noHost: { temporary: false } });
});
