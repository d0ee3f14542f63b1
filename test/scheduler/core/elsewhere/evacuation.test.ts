import { test } from 'tap';
import {
  evacuees,
  isMassFailure,
  isOutage,
  lossesBySite,
  type SiteLosses,
} from '../../../../scheduler/core/elsewhere/evacuation.js';
import type { Host, Vm } from '../../../../scheduler/core/model.js';
import { answering, smallWorld, type World } from '../world.js';

const restart = { onGuestShutdown: 'stay_stopped', rebuildable: true, onHostLoss: 'restart' } as const;

function lose(world: World, id: string): void {
  world.run({ type: 'host.disconnected', id, reason: 'the stream ended' });
  world.run({ type: 'host.lapsed', id, reason: 'its lease ended' });
}

function fence(world: World, id: string): Host {
  lose(world, id);
  return world.run({ type: 'host.fence_confirm', id, reason: 'somebody has looked' });
}

function pool(world: World, ...hosts: string[]): void {
  const site = 'zagreb';
  world.run({ type: 'pool.create', id: 'san', site, path: '/srv/san', hosts, capacityMib: 100_000 });
}

const losses = ({ state }: World) => lossesBySite(state).get('zagreb') as SiteLosses;
const massFailure = (world: World, { lostMs = 0 }: Host) => isMassFailure(losses(world), lostMs, 10_000);

const evacuate = (world: World, { uid }: Vm) => world.run({ type: 'vm.evacuate', uid });

test('a VM of a fenced host starts on another, under a new term', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  vm.placement.excludedHosts = [];
  const { term, generation } = vm;
  fence(world, 'a');
  t.ok(evacuate(world, vm).moved);
  t.match(vm, { host: 'b', term: term + 1, state: 'placed', desired: 'running', leftOn: ['a'] });
  t.ok(vm.generation > generation);
  t.equal(world.state.hostTable.claimed('a').vms, 0, 'it holds nothing more of its former host');
  t.equal(world.state.hostTable.claimed('b').vms, 1);
  t.equal(world.state.claimOfAdministration('adm').vms, 1, 'and is counted once');
});

test('one of which another host has a domain waits until that is taken away', async (t) => {
  const world = smallWorld('a', 'b', 'c');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  vm.placement.excludedHosts = [];
  fence(world, 'a');
  const report = (orphans: string[]) =>
    world.run({
      type: 'host.report',
      id: 'b',
      report: { ...answering, orphans },
      inventory: null,
      capacity: null,
    });
  report([`domain vm ${vm.uid}`]);
  t.notOk(evacuate(world, vm).moved);
  t.match(vm, { host: 'a', fault: { reason: 'COPY_ELSEWHERE', message: /^another host/ } });
  report([]);
  t.ok(evacuate(world, vm).moved);
});

test('a lost host that is not proven to be off keeps its VMs', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  lose(world, 'a');
  t.match(world.refused({ type: 'vm.evacuate', uid: vm.uid }), { reason: 'NOT_TO_LEAVE' });
  t.match(world.refused({ type: 'host.evacuate', id: 'a' }), { reason: 'HOST_NOT_FENCED' });
});

test('one that is to wait, is stopped, or is deleted does not leave', async (t) => {
  const world = smallWorld('a', 'b');
  const waits = world.settled('waits');
  const stopped = world.settled('stopped', { policy: restart, power: 'stopped' });
  const deleted = world.settled('deleted', { policy: restart });
  world.delete(deleted);
  for (const host of ['a', 'b']) fence(world, host);
  for (const { uid } of [waits, stopped, deleted]) {
    t.match(world.refused({ type: 'vm.evacuate', uid }), { reason: 'NOT_TO_LEAVE' });
  }
});

test('one whose disk is on its host alone stays, and says so once', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: { ...restart, rebuildable: false } });
  fence(world, vm.host ?? '');
  t.notOk(evacuate(world, vm).moved);
  t.match(vm.fault, { reason: 'DISK_THERE' });
  const { sequence } = world.state;
  evacuate(world, vm);
  t.equal(world.state.sequence, sequence);
});

test('one with its disk on a shared pool goes where the pool is mounted, and keeps its claim there', async (t) => {
  const world = smallWorld('a', 'b', 'c');
  pool(world, 'a', 'c');
  const vm = world.settled('vm', {
    policy: { ...restart, rebuildable: false },
    pool: 'san',
    placement: only('a'),
  });
  vm.placement.excludedHosts = [];
  fence(world, 'a');
  evacuate(world, vm);
  t.equal(vm.host, 'c');
  t.equal(world.state.poolClaimedMib.get('san'), 1000);
  t.match(world.state.hosts.get('a')?.leftovers, [{ uid: vm.uid, term: vm.term, keepVolumes: true }]);
});

test('one that came to restart elsewhere after its host had heard of it last stays until the host has', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { placement: only('a') });
  vm.placement.excludedHosts = [];
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, policy: restart, etag: '' });
  fence(world, 'a');
  evacuate(world, vm);
  t.match(vm, { host: 'a', fault: { reason: 'POLICY_NOT_HEARD' } });
  world.hello('a', { bootId: 'boot-2' });
  world.see(vm, 'running');
  t.equal(vm.fault, null);
  fence(world, 'a');
  t.ok(evacuate(world, vm).moved);
});

test('where there is no room it waits, and goes when there is', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  vm.placement.excludedHosts = [];
  world.run({ type: 'host.cordon', id: 'b', cordoned: true });
  fence(world, 'a');
  t.notOk(evacuate(world, vm).moved);
  t.match(vm, { host: 'a', fault: { reason: 'NO_HOST', message: /CORDONED/ } });
  world.run({ type: 'host.cordon', id: 'b', cordoned: false });
  t.ok(evacuate(world, vm).moved);
  t.equal(vm.fault, null);
});

test('a suspended administration starts nothing, elsewhere either', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart });
  world.run({ type: 'administration.suspend', id: 'adm', suspended: true });
  fence(world, vm.host ?? '');
  t.notOk(evacuate(world, vm).moved);
});

test('the host that comes back takes away what is left, and only then may have the VM again', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  vm.placement.excludedHosts = [];
  fence(world, 'a');
  evacuate(world, vm);
  world.hello('a', { bootId: 'boot-2' });
  world.see(vm, 'running');
  fence(world, 'b');
  t.notOk(evacuate(world, vm).moved, 'nowhere else to go');
  t.match(vm.fault, { message: /REFUSED_BEFORE/ });
  const { term, generation } = vm;
  world.see(vm, 'absent', { term: term - 1, generation: 1 }, 'a');
  t.same(vm.leftOn, ['a'], 'a word under the old term says nothing');
  world.see(vm, 'running', {}, 'a');
  t.same(vm.leftOn, ['a']);
  world.see(vm, 'absent', { term, generation }, 'a');
  t.notOk(vm.leftOn);
  t.notOk(world.state.hosts.get('a')?.leftovers);
  t.ok(evacuate(world, vm).moved);
  t.equal(vm.host, 'a');
});

test('what is left of a VM that was deleted meanwhile is still taken away', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  vm.placement.excludedHosts = [];
  fence(world, 'a');
  evacuate(world, vm);
  world.delete(vm);
  world.see(vm, 'absent');
  t.notOk(world.state.vms.get(vm.uid));
  world.hello('a', { bootId: 'boot-2' });
  t.match(world.state.hosts.get('a')?.leftovers, [{ uid: vm.uid, keepVolumes: false }]);
  world.see(vm, 'absent', { generation: vm.generation }, 'a');
  t.notOk(world.state.hosts.get('a')?.leftovers);
});

test('refused everywhere, it stays claimed with its disk on the pool, and can be started again', async (t) => {
  const world = smallWorld('a', 'b');
  pool(world, 'a', 'b');
  const vm = world.settled('vm', { policy: restart, pool: 'san', placement: only('a') });
  vm.placement.excludedHosts = [];
  fence(world, 'a');
  evacuate(world, vm);
  const refused = { code: 9, reason: 'NO_POOL', message: 'the pool is not mounted' };
  world.see(vm, 'refused', { fault: refused });
  t.match(vm, { host: 'b', state: 'failed', fault: refused });
  t.equal(world.state.poolClaimedMib.get('san'), 1000);
  const { sequence } = world.state;
  world.see(vm, 'refused', { fault: refused });
  t.equal(world.state.sequence, sequence, 'said again it writes nothing');
  world.start(vm);
  world.see(vm, 'running');
  t.match(vm, { host: 'b', state: 'running', operation: null });
});

test('a site in recovery starts nothing elsewhere', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  fence(world, 'a');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused({ type: 'vm.evacuate', uid: vm.uid }), { reason: 'NOT_TO_LEAVE' });
});

test('the most important leave first, and of these the oldest', async (t) => {
  const world = smallWorld('a');
  const names = ['plain', 'low', 'critical', 'younger', 'waiting'];
  const classes = { low: 'low', critical: 'critical' } as const;
  for (const name of names) {
    const priority = classes[name as keyof typeof classes];
    world.settled(name, {
      ...(name === 'waiting' ? {} : { policy: restart }),
      ...(priority === undefined ? {} : { priority }),
    });
  }
  t.same(
    evacuees(world.state, fence(world, 'a')).map(({ id }) => id),
    ['critical', 'plain', 'younger', 'low'],
  );
});

test('three hosts, and a fifth of a site, lost within a lease are a mass failure (F3)', async (t) => {
  const hosts = Array.from({ length: 20 }, (_, index) => `h${String(index).padStart(2, '0')}`);
  const world = smallWorld(...hosts);
  const first = fence(world, 'h00');
  const apart = fence(world, 'h01');
  apart.lostMs = (apart.lostMs ?? 0) + 60_000;
  fence(world, 'h02');
  fence(world, 'h03');
  t.notOk(massFailure(world, first), 'three of twenty are not a fifth');
  fence(world, 'h04');
  t.ok(massFailure(world, first));
  t.notOk(massFailure(world, apart), 'one that was lost a minute later is another matter');
  const two = smallWorld('a', 'b');
  fence(two, 'a');
  t.notOk(massFailure(two, fence(two, 'b')), 'two are not many, even if they are all');
});

test('three hosts, and a fifth of a site, that are not heard of are an outage (F3)', async (t) => {
  const hosts = Array.from({ length: 20 }, (_, index) => `h${String(index).padStart(2, '0')}`);
  const world = smallWorld(...hosts);
  lose(world, 'h00');
  lose(world, 'h01');
  world.run({ type: 'host.disconnected', id: 'h02', reason: 'the stream ended' });
  t.notOk(isOutage(losses(world)), 'three of twenty are not a fifth');
  world.run({ type: 'host.disconnected', id: 'h03', reason: 'the stream ended' });
  t.ok(isOutage(losses(world)));
  world.hello('h03', { bootId: 'boot-2' });
  t.notOk(isOutage(losses(world)));
  const few = smallWorld('a', 'b');
  for (const id of ['a', 'b']) lose(few, id);
  t.notOk(isOutage(losses(few)), 'two are not many, even if they are all');
  few.host('c', 'zagreb');
  t.ok(isOutage(losses(few)), 'half of more than two are');
});

test('the pace is slowed once, and an operator lets the VMs go', async (t) => {
  const world = smallWorld('a', 'b');
  fence(world, 'a');
  t.equal(world.run({ type: 'host.slow', id: 'a' }).fence?.pace, 'slow');
  t.equal(world.run({ type: 'host.evacuate', id: 'a' }).fence?.pace, 'now');
  t.equal(world.run({ type: 'host.slow', id: 'a' }).fence?.pace, 'now', 'nothing slows it down again');
});

/** A wish that leaves one host: the test takes it back once the VM is there. */
function only(host: string): Vm['placement'] {
  const others = ['a', 'b', 'c'].filter((id) => id !== host);
  return { sites: [], countries: [], excludedHosts: others };
}

const stopping = { ...restart, onLeaseLoss: 'stop' } as const;

/** What the agent of a host says of its watchdog. */
function watchdog(world: World, id: string, armed: boolean): void {
  const report = { libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [] };
  const said = { ...report, watchdog: { armed, timeoutS: 30, problem: '' } };
  world.run({ type: 'host.report', id, report: said, inventory: null, capacity: null });
}

test('of a lost host with an armed watchdog those leave that stop with the lease, and no others (F1, L2)', async (t) => {
  const world = smallWorld('a', 'b');
  const stops = world.settled('stops', { policy: stopping, placement: only('a') });
  const keeps = world.settled('keeps', { policy: restart, placement: only('a') });
  for (const vm of [stops, keeps]) vm.placement.excludedHosts = [];
  watchdog(world, 'a', true);
  lose(world, 'a');
  t.match(world.refused({ type: 'vm.evacuate', uid: stops.uid }), { reason: 'NOT_TO_LEAVE' });
  const host = world.run({ type: 'host.stop_proven', id: 'a' });
  t.match(host, { state: 'lost', stopProof: { sinceMs: host.stopProof?.sinceMs } });
  t.same(
    evacuees(world.state, host).map(({ id }) => id),
    ['stops'],
  );
  t.ok(evacuate(world, stops).moved);
  t.match(stops, { host: 'b', leftOn: ['a'] });
  t.match(world.refused({ type: 'vm.evacuate', uid: keeps.uid }), { reason: 'NOT_TO_LEAVE' });
  const { sequence } = world.state;
  world.run({ type: 'host.stop_proven', id: 'a' });
  t.equal(world.state.sequence, sequence, 'proven twice it is said once');
});

test('nothing of it is proven of a host that is heard of, whose watchdog is not armed, or whose site recovers', async (t) => {
  const world = smallWorld('a', 'b', 'c', 'd');
  for (const id of ['a', 'b', 'd']) watchdog(world, id, id !== 'b');
  for (const id of ['b', 'c', 'd']) lose(world, id);
  for (const id of ['a', 'b', 'c']) {
    t.match(world.refused({ type: 'host.stop_proven', id }), { reason: 'NOT_PROVEN' }, id);
  }
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused({ type: 'host.stop_proven', id: 'd' }), { reason: 'NOT_PROVEN' });
  t.match(world.refused({ type: 'host.stop_proven', id: 'nobody' }), { reason: 'HOST_NOT_FOUND' });
});

test('a change to stop counts from when its host has reached it, and one to keep at once (L2)', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: restart, placement: only('a') });
  watchdog(world, 'a', true);
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, etag: '', policy: stopping });
  t.match(vm, { stopSince: vm.generation });
  lose(world, 'a');
  const host = world.run({ type: 'host.stop_proven', id: 'a' });
  t.same(evacuees(world.state, host), [], 'its host has not heard of it');
  const heard = world.settled('heard', { policy: stopping, placement: only('b') });
  t.equal(heard.stopSince, undefined, 'one that was made so always did');
  world.run({ type: 'vm.update', vm: { uid: heard.uid }, etag: '', policy: restart });
  watchdog(world, 'b', true);
  lose(world, 'b');
  t.same(evacuees(world.state, world.run({ type: 'host.stop_proven', id: 'b' })), []);
});

test('its agent’s hello ends the proof, and no report of an old stream does', async (t) => {
  const world = smallWorld('a', 'b');
  watchdog(world, 'a', true);
  lose(world, 'a');
  const host = world.run({ type: 'host.stop_proven', id: 'a' });
  watchdog(world, 'a', true);
  t.match(host, { state: 'lost' }, 'what it says on its old stream makes it no better');
  t.ok(host.stopProof);
  world.hello('a');
  t.match(host, { state: 'ready' });
  t.equal(host.stopProof, undefined);
});

test('lost together with many others they leave slowly, until an operator has looked (F3)', async (t) => {
  const world = smallWorld('a', 'b');
  watchdog(world, 'a', true);
  lose(world, 'a');
  world.run({ type: 'host.stop_proven', id: 'a' });
  t.match(world.run({ type: 'host.slow', id: 'a' }), { stopProof: { pace: 'slow' } });
  t.match(world.run({ type: 'host.evacuate', id: 'a' }), { stopProof: { pace: 'now' } });
});

/** They have to be on one host, in a chain: each is in a group with the next. */
function chained(world: World, change: Parameters<World['settled']>[1][]): Vm[] {
  return change.map((wishes, at) => {
    const groups = [at, at + 1].map(
      (number) =>
        ({ group: `pair-${number}`, policy: 'affinity', scope: 'host', soft: false, maxSkew: 0 }) as const,
    );
    const placement = { ...only('a'), groups };
    const vm = world.settled(`vm-${at}`, { policy: restart, ...wishes, placement });
    vm.placement = { ...vm.placement, excludedHosts: [] };
    return vm;
  });
}

test('those that have to be together leave together, for a host that has room for all', async (t) => {
  const world = smallWorld('a', 'b', 'c');
  const { memoryMib } = world.state.hosts.get('b')?.capacity ?? { memoryMib: 0 };
  // The best host for one of them has no room for the others.
  const b = { sites: [], countries: [], excludedHosts: ['a', 'c'] };
  world.settled('filler', { memoryMib: memoryMib - 1024, placement: b });
  const vms = chained(world, [{ memoryMib: 1024 }, { memoryMib: 1024 }, { memoryMib: 1024 }]);
  const alone = world.settled('alone', { policy: restart, placement: only('a'), memoryMib: 1024 });
  fence(world, 'a');
  t.ok(evacuate(world, vms[1] as Vm).moved);
  for (const vm of vms) t.match(vm, { host: 'c', term: 2, state: 'placed', leftOn: ['a'] });
  t.match(alone, { host: 'a', term: 1 }, 'and nobody else');
  t.equal(world.state.hostTable.claimed('a').vms, 1);
  t.equal(world.state.hostTable.claimed('c').vms, 3);
});

test('those that have to be together leave also when a quota was lowered below what they hold, as each alone does', async (t) => {
  const world = smallWorld('a', 'b');
  const vms = chained(world, [{}, {}]);
  const limit = { vcpus: 1 };
  world.run({ type: 'quota.set', administration: 'adm', scope: { kind: 'everywhere' }, limit, etag: '' });
  fence(world, 'a');
  const outcome = evacuate(world, vms[0] as Vm);
  t.match(outcome.others, [{ uid: vms[1]?.uid }]);
  for (const vm of vms) t.equal(vm.host, 'b');
});

test('while one of those that have to be together cannot leave, all wait', async (t) => {
  const world = smallWorld('a', 'b');
  const waits = { onGuestShutdown: 'stay_stopped', rebuildable: true } as const;
  const vms = chained(world, [{}, { policy: waits }]);
  const [first, second] = vms as [Vm, Vm];
  fence(world, 'a');
  t.notOk(evacuate(world, first).moved);
  t.match(first, { host: 'a', fault: { reason: 'NO_HOST' } });
  t.equal(world.state.hostTable.claimed('a').vms, 2, 'what was tried is given back');
  world.run({ type: 'vm.update', vm: { uid: second.uid }, etag: '', policy: restart });
  t.notOk(evacuate(world, first).moved, 'its host may not have heard of it');
  world.run({ type: 'host.cordon', id: 'b', cordoned: true });
  t.notOk(evacuate(world, first).moved);
});

test('of those that have to be together it is enough that one is tried', async (t) => {
  const world = smallWorld('a', 'b');
  const [first, second] = chained(world, [{}, {}]) as [Vm, Vm];
  fence(world, 'a');
  evacuate(world, first);
  world.see(first, 'running');
  t.match([first.host, second.host], ['b', 'b']);
  t.equal(first.agreement, undefined);
});
