/** A host that is gone for good, and what becomes of what it had. */
import { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import { desiredMessage } from '../../../../scheduler/fleet/desired.js';
import { answering, smallWorld, type World } from '../world.js';

const keep = { onGuestShutdown: 'stay_stopped', rebuildable: false } as const;
const destroy = { type: 'host.retire', id: 'a', etag: '', destroyed: true } as const;

/** Hosts a, b and c, of which the first two mount a pool. */
function worldOf(): World {
  const world = smallWorld('a', 'b', 'c');
  world.run({
    type: 'pool.create',
    id: 'san',
    site: 'zagreb',
    path: '/srv/san',
    hosts: ['a', 'b'],
    capacityMib: 100_000,
  });
  return world;
}

/** A VM on the first host, that may be on any. */
function onA(world: World, name: string, change: Parameters<World['settled']>[1] = {}): Vm {
  const placement = { sites: [], countries: [], excludedHosts: ['b', 'c'] };
  const vm = world.settled(name, { policy: keep, ...change, placement });
  vm.placement.excludedHosts = [];
  return vm;
}

function lose(world: World, id: string): void {
  world.run({ type: 'host.disconnected', id, reason: 'the stream ended' });
  world.run({ type: 'host.lapsed', id, reason: 'its lease ended' });
}

function fence(world: World, id: string): void {
  lose(world, id);
  world.run({ type: 'host.fence_confirm', id, reason: 'it has burnt' });
}

test('what has its disk on a shared pool goes elsewhere as it was, also what was to wait for its host', async (t) => {
  const world = worldOf();
  const runs = onA(world, 'runs', { pool: 'san' });
  const stopped = onA(world, 'stopped', { pool: 'san', power: 'stopped' });
  const unheard = onA(world, 'unheard', { pool: 'san' });
  const restart = { ...keep, onHostLoss: 'restart' } as const;
  world.run({ type: 'vm.update', vm: { uid: unheard.uid }, policy: restart, etag: '' });
  const deleted = onA(world, 'deleted', { pool: 'san' });
  world.delete(deleted);
  fence(world, 'a');
  t.match(world.refused({ ...destroy, destroyed: undefined as never }), {
    reason: 'HOST_IN_USE',
    message: /4 VMs.*--destroyed/,
  });
  world.run(destroy);
  for (const vm of [runs, stopped, unheard, deleted]) t.match(vm, { host: 'b', term: 2, state: 'placed' });
  t.match(desiredMessage(world.state, runs), { role: 'VM_ROLE_RUN', diskExists: true, defined: false });
  t.match(desiredMessage(world.state, stopped), { role: 'VM_ROLE_STOPPED' });
  t.match(
    desiredMessage(world.state, deleted),
    { role: 'VM_ROLE_DELETED' },
    'who has its disk throws it away',
  );
  t.equal(world.state.poolClaimedMib.get('san'), 4000);
  t.match(world.state.hosts.get('a'), { state: 'retired', stateReason: /gone for good/ });
  t.match(world.state.pools.get('san'), { hosts: ['b'] });
  world.see(deleted, 'absent');
  t.equal(world.state.poolClaimedMib.get('san'), 3000);
});

test('a VM whose only disk was there is without a host, and begins anew only when that is allowed', async (t) => {
  const world = worldOf();
  const vm = onA(world, 'vm');
  const { operation } = world.run(world.rebootOf(vm));
  fence(world, 'a');
  world.run(destroy);
  t.match(vm, { host: null, state: 'failed', fault: { reason: 'DISK_GONE', message: /--rebuildable/ } });
  t.match(operation, { state: 'failed' });
  t.equal(world.state.hostTable.claimed('a').vms, 0);
  t.match(world.refused(world.startOf(vm)), { kind: 'precondition', reason: 'DISK_GONE' });
  const policy = { ...keep, rebuildable: true };
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, policy, etag: '' });
  world.start(vm);
  t.match(vm, { state: 'placed', desired: 'running', term: 2 });
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RUN', diskExists: false });
  const other = onA(worldOf(), 'other');
  t.equal(other.host, 'a');
});

test('what may begin anew, or never began, gets another host; what was to be deleted is gone', async (t) => {
  const world = worldOf();
  const rebuildable = onA(world, 'rebuildable', { policy: { ...keep, rebuildable: true } });
  const deleted = onA(world, 'deleted');
  const { operation } = world.delete(deleted);
  const placement = { sites: [], countries: [], excludedHosts: ['b', 'c'] };
  const fresh = world.vm('fresh', { policy: keep, placement });
  fresh.placement.excludedHosts = [];
  fence(world, 'a');
  world.run(destroy);
  t.match(rebuildable, { host: /^[bc]$/, term: 2 });
  t.match(fresh, { host: /^[bc]$/, term: 2 });
  t.notOk(world.state.vms.has(deleted.uid));
  t.match(operation, { state: 'succeeded' });
});

test('while one with its disk on a shared pool finds no room, nothing is changed', async (t) => {
  const world = worldOf();
  const vm = onA(world, 'vm', { pool: 'san' });
  onA(world, 'own');
  world.run({ type: 'host.cordon', id: 'b', cordoned: true });
  fence(world, 'a');
  const { sequence } = world.state;
  t.match(world.refused(destroy), {
    kind: 'precondition',
    reason: 'VMS_REMAIN',
    message: /^1 VMs .* since no other host can take it \(CORDONED, POOL_NOT_MOUNTED\)/,
    metadata: { vms: '1', reason: 'NO_HOST' },
  });
  t.equal(world.state.sequence, sequence);
  t.match(vm, { host: 'a' });
  world.run({ type: 'host.cordon', id: 'b', cordoned: false });
  world.run(destroy);
  t.match(vm, { host: 'b' });
});

test('several of one administration go within a quota that they fill', async (t) => {
  const world = worldOf();
  const vms = [1, 2, 3].map((number) => onA(world, `vm-${number}`, { pool: 'san' }));
  const scope = { kind: 'everywhere' } as const;
  world.run({ type: 'quota.set', administration: 'adm', scope, limit: { vms: 3 }, etag: '' });
  fence(world, 'a');
  world.run(destroy);
  for (const vm of vms) t.equal(vm.host, 'b');
});

test('they go together only where there is room for all of them', async (t) => {
  const world = worldOf();
  const half = Math.floor((world.state.hosts.get('b')?.capacity.memoryMib ?? 0) * 0.6);
  onA(world, 'one', { pool: 'san', memoryMib: Math.floor(half * 0.8) });
  const blocker = world.settled('blocker', {
    memoryMib: half,
    placement: { sites: [], countries: [], excludedHosts: ['a', 'c'] },
  });
  t.equal(blocker.host, 'b');
  fence(world, 'a');
  t.match(world.refused(destroy), { reason: 'VMS_REMAIN', metadata: { vms: '1' } });
});

test('only a host that is proven to be off is gone, and not in recovery', async (t) => {
  const world = worldOf();
  onA(world, 'vm');
  t.match(world.refused(destroy), { reason: 'HOST_NOT_FENCED', message: /is ready/ });
  lose(world, 'a');
  t.match(world.refused(destroy), { reason: 'HOST_NOT_FENCED', message: /fence-confirm a --reason/ });
  world.run({ type: 'host.fence_confirm', id: 'a', reason: 'it has burnt' });
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'restored' });
  t.match(world.refused(destroy), { reason: 'SITE_RECOVERING' });
});

test('one of which another host has a domain is not started a second time', async (t) => {
  const world = worldOf();
  const vm = onA(world, 'vm', { pool: 'san' });
  fence(world, 'a');
  const report = { ...answering, orphans: [`domain vm ${vm.uid}`] };
  world.run({ type: 'host.report', id: 'b', report, inventory: null, capacity: null });
  t.match(world.refused(destroy), { reason: 'VMS_REMAIN', metadata: { reason: 'COPY_ELSEWHERE' } });
});

test('a VM that runs on no host any more is let go of by a machine that joins again all the same', async (t) => {
  const world = worldOf();
  const shared = onA(world, 'shared', { pool: 'san' });
  const own = onA(world, 'own');
  const deleted = onA(world, 'deleted');
  const { uid } = world.delete(deleted).vm;
  fence(world, 'a');
  world.run(destroy);
  const left = [
    { uid: shared.uid, term: 2, keepVolumes: true },
    { uid: own.uid, keepVolumes: true },
    { uid, keepVolumes: false },
  ];
  const host = world.host('a', 'zagreb');
  t.equal(host.leftovers?.length, 3);
  for (const one of left) t.ok(host.leftovers?.some((each) => each.uid === one.uid));
  t.match(shared, { host: 'b', leftOn: ['a'] });
  world.run({
    type: 'host.observe',
    id: 'a',
    observation: { uid: own.uid, term: 1, generation: 1, state: 'running', rebootCount: 0, fault: null },
  });
  t.match(own, { host: null }, 'what it runs still is not the VM any more');
});

test('another machine under its name has nothing left, and may have those VMs', async (t) => {
  const world = worldOf();
  const vm = onA(world, 'vm', { pool: 'san', policy: { ...keep, onHostLoss: 'restart' } });
  fence(world, 'a');
  world.run({ type: 'vm.evacuate', uid: vm.uid });
  t.match(vm, { host: 'b', leftOn: ['a'] });
  world.run({ type: 'host.retire', id: 'a', etag: '' });
  const join = { type: 'host.join', id: 'a', site: 'zagreb', rack: '' } as const;
  t.equal(world.run({ ...join, machineId: 'another' }).leftovers, undefined);
  t.equal(vm.leftOn, undefined);
});

test('two that belong together go together', async (t) => {
  const world = worldOf();
  const groups = [{ group: 'pair', policy: 'affinity', scope: 'host', soft: false, maxSkew: 0 } as const];
  const placement = { sites: [], countries: [], excludedHosts: ['b', 'c'], groups };
  const vms = ['one', 'two'].map((name) => {
    const vm = world.settled(name, { policy: keep, pool: 'san', placement });
    vm.placement = { ...vm.placement, excludedHosts: [] };
    return vm;
  });
  fence(world, 'a');
  world.run(destroy);
  for (const vm of vms) t.match(vm, { host: 'b' });
});

test('what is stopped and has given up its room, or is to be deleted, needs room for its disk alone', async (t) => {
  const world = worldOf();
  const scope = { kind: 'everywhere' } as const;
  world.run({ type: 'administration.update', id: 'adm', stoppedVms: 'free', etag: '' });
  const runs = onA(world, 'runs', { pool: 'san', vcpus: 4 });
  const parked = onA(world, 'parked', { pool: 'san', vcpus: 4 });
  world.stop(parked);
  world.see(parked, 'stopped');
  t.ok(parked.parked);
  const deleted = onA(world, 'deleted', { pool: 'san', vcpus: 8 });
  world.delete(deleted);
  const roomMib = world.state.hosts.get('b')?.capacity.memoryMib ?? 0;
  world.settled('filler', {
    memoryMib: roomMib - runs.spec.memoryMib,
    placement: { sites: [], countries: [], excludedHosts: ['a', 'c'] },
  });
  world.run({ type: 'quota.set', administration: 'adm', scope, limit: { vcpus: 13 }, etag: '' });
  fence(world, 'a');
  world.run(destroy);
  t.match(runs, { host: 'b' });
  t.match(parked, { host: 'b', parked: true });
  t.match(deleted, { host: 'b', desired: 'deleted' });
  t.equal(world.state.hostTable.claimed('b').memoryMib, roomMib);
});

test('one that may begin anew waits with the host while it finds no room, as it would have', async (t) => {
  const world = worldOf();
  const vm = onA(world, 'vm', { policy: { ...keep, rebuildable: true, onHostLoss: 'restart' } });
  for (const id of ['b', 'c']) world.run({ type: 'host.cordon', id, cordoned: true });
  fence(world, 'a');
  t.match(world.refused(destroy), { reason: 'VMS_REMAIN' });
  t.match(vm, { host: 'a' });
});
