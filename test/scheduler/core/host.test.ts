import { test } from 'tap';
import type { CommandOf } from '../../../scheduler/core/commands.js';
import { answering, roomy, smallWorld } from './world.js';

const join = (change: Partial<CommandOf<'host.join'>> = {}): CommandOf<'host.join'> => ({
  type: 'host.join',
  id: 'a',
  site: 'zagreb',
  rack: '',
  machineId: 'machine-of-a',
  ...change,
});

test('a host joins without capacity, and gets it with its first hello', async (t) => {
  const world = smallWorld();
  t.match(world.run(join()), { state: 'joined', capacity: { vcpus: 0 }, inventory: null, revision: 1 });
  world.nowMs += 5;
  t.match(world.hello('a'), {
    state: 'ready',
    stateReason: '',
    capacity: roomy,
    bootIds: ['boot-1'],
    connectedMs: world.nowMs,
    libvirtAvailable: true,
  });
});

test('joining again as the same machine gives the same host and writes nothing', async (t) => {
  const world = smallWorld();
  const host = world.run(join());
  const { sequence } = world.state;
  t.equal(world.run(join()), host);
  t.equal(world.state.sequence, sequence);
});

test('a host name is taken once', async (t) => {
  const world = smallWorld();
  world.site('split');
  world.run(join());
  const exists = { kind: 'already_exists', reason: 'HOST_EXISTS' };
  t.match(world.refused(join({ machineId: 'another' })), exists, 'by another machine');
  t.match(world.refused(join({ site: 'split' })), exists, 'on another site');
  t.match(world.refused(join({ rack: 'r2' })), exists, 'in another rack');
});

test('a host joins a site that is there and not in recovery', async (t) => {
  const world = smallWorld();
  t.match(world.refused(join({ site: 'none' })), { kind: 'not_found', reason: 'SITE_NOT_FOUND' });
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused(join()), { kind: 'precondition', reason: 'SITE_RECOVERING' });
});

test('a hello from a host that is unknown, retired, or another machine is refused', async (t) => {
  const world = smallWorld('a');
  t.match(world.refused(world.helloOf('nobody')), { kind: 'not_found', reason: 'HOST_NOT_FOUND' });
  t.match(world.refused(world.helloOf('a', { machineId: 'another' })), {
    kind: 'precondition',
    reason: 'OTHER_MACHINE',
  });
  world.run({ type: 'host.retire', id: 'a', etag: '' });
  t.match(world.refused(world.helloOf('a')), { kind: 'precondition', reason: 'HOST_RETIRED' });
});

test('an older boot that speaks after a newer one quarantines the host, whoever speaks next', async (t) => {
  const world = smallWorld('a');
  world.hello('a', { bootId: 'boot-2' });
  t.same(world.state.hosts.get('a')?.bootIds, ['boot-1', 'boot-2']);
  const host = world.hello('a', { bootId: 'boot-1' });
  t.equal(host.state, 'quarantined');
  t.same(host.bootIds, ['boot-1', 'boot-2'], 'the older boot is not taken as the newest');
  t.equal(world.hello('a', { bootId: 'boot-2' }).state, 'quarantined');
  t.match(world.refused(world.createOf([world.newVm('vm')])), { reason: 'NO_HOST' });
});

test('the same boot may say hello as often as it likes', async (t) => {
  const world = smallWorld('a');
  for (let times = 0; times < 3; times += 1) t.equal(world.hello('a').state, 'ready');
  t.same(world.state.hosts.get('a')?.bootIds, ['boot-1']);
});

test('a host remembers its last 16 boots', async (t) => {
  const world = smallWorld('a');
  for (let boot = 2; boot <= 20; boot += 1) world.hello('a', { bootId: `boot-${boot}` });
  t.equal(world.state.hosts.get('a')?.bootIds.length, 16);
  t.equal(world.state.hosts.get('a')?.bootIds.at(-1), 'boot-20');
});

test('a journal behind what the agent has seen puts the site into recovery, in a new incarnation', async (t) => {
  const world = smallWorld('a', 'b');
  world.hello('a', { journalBehind: { reason: 'the journal was restored', incarnation: 1 } });
  t.same(world.state.federation.recoveringSites, ['zagreb']);
  t.equal(world.state.federation.recoveryReason, 'the journal was restored');
  t.same(world.state.federation.epoch, { incarnation: 2, counter: 1, instance: 'first' });
  world.hello('b', { journalBehind: { reason: 'another sentence', incarnation: 1 } });
  t.equal(world.state.federation.recoveryReason, 'the journal was restored', 'it is entered once');
  t.equal(world.state.federation.epoch.incarnation, 2, 'the old incarnation is known to be lost');
  world.hello('b', { journalBehind: { reason: 'a third', incarnation: 2 } });
  t.equal(world.state.federation.epoch.incarnation, 3);
});

test('a report that equals what is known writes nothing', async (t) => {
  const world = smallWorld('a');
  const { sequence } = world.state;
  const report = {
    type: 'host.report',
    id: 'a',
    report: answering,
    inventory: null,
    capacity: null,
  } as const;
  world.run(report);
  t.equal(world.state.sequence, sequence);
  world.run({ ...report, report: { ...answering, orphans: ['domain x'], foreignDomains: 2 } });
  t.match(world.state.hosts.get('a'), { orphans: ['domain x'], foreignDomains: 2 });
  t.equal(world.state.sequence, sequence + 1);
});

test('libvirt that stops answering makes a host suspect, and ready when it answers again', async (t) => {
  const world = smallWorld('a');
  const report = { type: 'host.report', id: 'a', inventory: null, capacity: null } as const;
  world.run({ ...report, report: { ...answering, libvirtAvailable: false, libvirtError: 'hung' } });
  t.match(world.state.hosts.get('a'), { state: 'suspect', stateReason: 'libvirt does not answer: hung' });
  world.run({ ...report, report: answering });
  t.match(world.state.hosts.get('a'), { state: 'ready', stateReason: '' });
});

test('why a host is suspect is what has become of it last, and since when is from the first of it', async (t) => {
  const world = smallWorld('a');
  const is = (stateReason: string) =>
    t.match(world.state.hosts.get('a'), { state: 'suspect', stateReason, stateMs: sinceMs });
  const sinceMs = world.nowMs;
  world.run({ type: 'host.disconnected', id: 'a', reason: 'the stream ended' });
  world.nowMs += 1000;
  const hung = { ...answering, libvirtAvailable: false, libvirtError: 'hung' };
  world.hello('a', { report: hung });
  is('libvirt does not answer: hung');
  const { sequence } = world.state;
  world.run({ type: 'host.report', id: 'a', inventory: null, capacity: null, report: hung });
  t.equal(world.state.sequence, sequence, 'said again it writes nothing');
  world.run({ type: 'host.disconnected', id: 'a', reason: 'the stream ended' });
  is('the stream ended');
});

test('a new inventory changes the capacity, below what is claimed if need be', async (t) => {
  const world = smallWorld('a');
  world.settled('vm', { vcpus: 8 });
  const capacity = { ...roomy, vcpus: 4 };
  world.run({ type: 'host.report', id: 'a', report: answering, inventory: { cells: 2 }, capacity });
  const row = world.state.hostTable.row('a') as number;
  t.equal(world.state.hostTable.freeVcpus[row], -4);
  t.match(world.refused(world.createOf([world.newVm('other')])), { metadata: { OTHER_ARCHITECTURE: '1' } });
});

test('the same inventory gives another capacity when the scheduler has learned to read more of it', async (t) => {
  const world = smallWorld();
  world.join('a', 'zagreb');
  world.hello('a');
  const { sequence } = world.state;
  world.hello('a');
  t.equal(world.state.sequence, sequence + 1, 'what is known is not written down again');
  t.same(
    world.changes.map(({ type }) => type),
    ['host.connected'],
  );
  world.hello('a', { capacity: { ...roomy, extras: { 'gpu:a30': 2 } } });
  t.same(world.state.hosts.get('a')?.capacity.extras, { 'gpu:a30': 2 });
});

test('orders and words about a host that is not there are refused', async (t) => {
  const world = smallWorld();
  const id = 'nobody';
  const observation = {
    uid: 'x',
    term: 1,
    generation: 1,
    state: 'running',
    rebootCount: 0,
    fault: null,
  } as const;
  const commands = [
    { type: 'host.report', id, report: answering, inventory: null, capacity: null },
    { type: 'host.observe', id, observation },
    { type: 'host.disconnected', id, reason: '' },
    { type: 'host.lapsed', id, reason: '' },
    { type: 'host.cordon', id, cordoned: true },
    { type: 'host.retire', id, etag: '' },
    { type: 'host.quarantine', id, reason: '' },
  ] as const;
  for (const command of commands) {
    t.match(world.refused(command), { kind: 'not_found', reason: 'HOST_NOT_FOUND' }, command.type);
  }
});

test('a host is cordoned and uncordoned, and twice is once', async (t) => {
  const world = smallWorld('a');
  for (const cordoned of [true, false]) {
    t.equal(world.run({ type: 'host.cordon', id: 'a', cordoned }).cordoned, cordoned);
    const { sequence } = world.state;
    world.run({ type: 'host.cordon', id: 'a', cordoned });
    t.equal(world.state.sequence, sequence);
  }
});

test('a host is retired without VMs only, leaves its pools, and twice is once', async (t) => {
  const world = smallWorld('a');
  const retire = { type: 'host.retire', id: 'a', etag: '' } as const;
  const vm = world.settled('vm');
  t.match(world.refused(retire), {
    kind: 'precondition',
    reason: 'HOST_IN_USE',
    metadata: { vms: '1' },
  });
  world.delete(vm);
  world.see(vm, 'absent');
  world.run({ type: 'pool.create', id: 'nfs', site: 'zagreb', path: '/p', hosts: ['a'], capacityMib: 1 });
  t.match(world.refused({ ...retire, etag: '"1"' }), { kind: 'aborted', reason: 'ETAG_MISMATCH' });
  t.equal(world.run(retire).state, 'retired');
  t.match(world.state.pools.get('nfs'), { hosts: [] });
  const { sequence } = world.state;
  t.equal(world.run(retire).state, 'retired');
  t.equal(world.state.sequence, sequence);
});

test('a retired host joins anew, as another machine if need be, and its revision goes on', async (t) => {
  const world = smallWorld('a');
  const before = world.state.hosts.get('a')?.revision as number;
  world.run({ type: 'host.retire', id: 'a', etag: '' });
  const host = world.run(join({ machineId: 'another', rack: 'r1' }));
  t.match(host, { state: 'joined', machineId: 'another', rack: 'r1', bootIds: [], cordoned: false });
  t.ok(host.revision > before);
  world.hello('a', { machineId: 'another' });
  t.equal(world.vm('vm').host, 'a');
});
