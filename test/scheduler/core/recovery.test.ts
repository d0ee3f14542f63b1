import { test } from 'tap';
import { bindsItToItsHost, stopsWithLease } from '../../../scheduler/core/elsewhere/evacuation.js';
import type { Host } from '../../../scheduler/core/model.js';
import { smallWorld, type World } from './world.js';

/** A federation whose site stands in recovery, with a VM that ran before. */
function recovering() {
  const world: World = smallWorld('a', 'b');
  world.site('split');
  world.host('s', 'split');
  const vm = world.settled('vm');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
  return { world, vm, other: vm.host === 'a' ? 'b' : 'a' };
}

test('recovery is entered once a site, and ended site by site', async (t) => {
  const { world } = recovering();
  const { sequence } = world.state;
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'again' });
  t.equal(world.state.sequence, sequence);
  world.run({ type: 'recovery.enter', sites: ['split', 'zagreb'], reason: 'more' });
  t.same(world.state.federation.recoveringSites, ['split', 'zagreb']);
  world.run({ type: 'recovery.end', site: 'zagreb' });
  t.match(world.state.federation, { recoveringSites: ['split'], recoveryReason: 'more' });
  world.run({ type: 'recovery.end', site: 'split' });
  t.match(world.state.federation, { recoveringSites: [], recoveryReason: '' });
});

test('ending a recovery that is not there is refused', async (t) => {
  const { world } = recovering();
  t.match(world.refused({ type: 'recovery.end', site: 'split' }), {
    kind: 'precondition',
    reason: 'NOT_RECOVERING',
  });
  t.match(world.refused({ type: 'recovery.end', site: 'none' }), { reason: 'SITE_NOT_FOUND' });
});

test('a recovery goes on while a host of its site is not ready, unless an operator says that it is off', async (t) => {
  const world = smallWorld('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  world.site('split');
  world.host('s', 'split');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
  for (const { id } of [...world.state.hosts.values()])
    if (id !== 'a' && id !== 's') world.run({ type: 'host.lapsed', id, reason: 'a test' });
  const end = { type: 'recovery.end', site: 'zagreb' } as const;
  t.match(world.refused(end), {
    kind: 'precondition',
    reason: 'HOSTS_NOT_READY',
    message: / run: b \(lost\), c \(lost\), d \(lost\), e \(lost\), f \(lost\) and 2 more; .*--force$/,
    metadata: { hosts: '7' },
  });
  for (const id of ['c', 'd', 'e', 'f', 'g', 'h']) world.hello(id);
  t.match(world.refused(end), { message: / run: b \(lost\); / });
  t.same(world.state.federation.recoveringSites, ['zagreb']);
  world.run({ ...end, force: true });
  t.same(world.state.federation.recoveringSites, []);

  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'again' });
  world.hello('b');
  world.run({ type: 'host.quarantine', id: 'b', reason: 'a test' });
  world.run(end);
  t.same(world.state.federation.recoveringSites, [], 'both machines of a host in quarantine have spoken');
});

test('in recovery nothing is started, stopped, changed or deleted on the site', async (t) => {
  const { world, vm } = recovering();
  const { sequence } = world.state;
  for (const command of [
    world.startOf(vm),
    world.stopOf(vm),
    world.rebootOf(vm),
    world.resizeOf(vm, { vcpus: 2 }),
    world.deleteOf(vm),
    { type: 'vm.update', vm: { uid: vm.uid }, title: 'x', etag: '' } as const,
  ]) {
    const outcome = world.try<typeof command.type>(command);
    t.match(outcome, { refusal: { kind: 'precondition', reason: 'SITE_RECOVERING' } }, command.type);
  }
  t.equal(world.state.sequence, sequence);
  t.equal(world.vm('new').host, 's', 'new VMs go to sites that are not in recovery');
});

test('in recovery the higher term wins, and what is desired becomes a new version', async (t) => {
  const { world, vm, other } = recovering();
  world.see(vm, 'running', { term: 3, generation: 7 }, other);
  t.match(vm, { host: other, term: 3, generation: 8, desired: 'running' });
  t.equal(world.state.hostTable.claimed(other).vms, 1);
  const { sequence } = world.state;
  world.see(vm, 'running', { term: 3, generation: 7 });
  world.see(vm, 'running', { term: 2, generation: 9 }, other === 'a' ? 'b' : 'a');
  t.equal(world.state.sequence, sequence, 'the same again, or a lower term, changes nothing');
});

test('a host that was taken to have a VM hears that a newer term of it lives elsewhere, and takes away what it has', async (t) => {
  const { world, vm, other } = recovering();
  const former = vm.host ?? '';
  world.see(vm, 'running', { term: 3, generation: 7 }, other);
  t.same(world.state.hosts.get(former)?.leftovers, [
    { uid: vm.uid, term: 3, generation: 8, keepVolumes: true, mayRun: true, former: 'starts' },
  ]);
  world.run({ type: 'recovery.end', site: 'zagreb' });
  world.see(vm, 'absent', { term: 3, generation: 8 }, former);
  t.equal(world.state.hosts.get(former)?.leftovers, undefined);
  t.equal(vm.host, other);
});

test('a host that has let go of a VM is not taken to have it, whatever it says of it and under which term', async (t) => {
  const { world, vm, other } = recovering();
  const former = vm.host ?? '';
  const { sequence } = world.state;
  for (const state of ['unknown', 'stopping', 'running'] as const)
    world.see(vm, state, { term: 3, generation: 0, toldGeneration: 7, released: true }, other);
  t.equal(world.state.sequence, sequence);
  t.equal(vm.host, former);
  world.see(vm, 'running', { term: 3, generation: 7 }, former);
  t.match(vm, { host: former, term: 3 }, 'who has it is believed');
});

test('what a VM is to do without its host counts anew from when that hears of it: the journal may have forgotten a change', async (t) => {
  const world = smallWorld('a', 'b');
  const policy = {
    onGuestShutdown: 'stay_stopped',
    rebuildable: true,
    onHostLoss: 'restart',
    onLeaseLoss: 'stop',
  } as const;
  const vm = world.settled('vm', { policy });
  const host = world.state.hosts.get(vm.host ?? '') as Host;
  t.ok(stopsWithLease(vm));
  t.equal(bindsItToItsHost(world.state, vm), null);
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
  world.see(vm, 'running', { generation: vm.generation + 3 });
  world.run({ type: 'recovery.end', site: 'zagreb' });
  world.see(vm, 'running', { generation: vm.generation - 1 }, host.id);
  t.notOk(stopsWithLease(vm), 'it may have been told to keep it since');
  t.match(bindsItToItsHost(world.state, vm), { reason: 'POLICY_NOT_HEARD' });
  world.see(vm, 'running');
  t.ok(stopsWithLease(vm));
  t.equal(bindsItToItsHost(world.state, vm), null);
});

test('a host that is to take away what it has is believed when it has a newer term than that', async (t) => {
  const { world, vm, other } = recovering();
  const former = vm.host ?? '';
  world.see(vm, 'stopped', { term: 3, generation: 7 }, other);
  world.see(vm, 'running', { term: 2, generation: 9 }, former);
  t.equal(vm.host, other, 'an older one is not');
  world.see(vm, 'running', { term: 4, generation: 2 }, former);
  t.match(vm, { host: former, term: 4 });
  t.equal(world.state.hosts.get(former)?.leftovers, undefined);
  t.match(world.state.hosts.get(other)?.leftovers, [{ uid: vm.uid, term: 4 }]);
});

test('a host that has nothing of a VM under a newer term than the one that it is to take away has answered that', async (t) => {
  const { world, vm, other } = recovering();
  const former = vm.host ?? '';
  world.see(vm, 'running', { term: 3, generation: 7 }, other);
  world.see(vm, 'absent', { term: 2, generation: 9 }, former);
  t.match(world.state.hosts.get(former)?.leftovers, [{ uid: vm.uid }], 'an older one says nothing');
  world.see(vm, 'absent', { term: 4, generation: 1 }, former);
  t.equal(world.state.hosts.get(former)?.leftovers, undefined);
  t.match(vm, { host: other, term: 3 });
});

test('in recovery a higher generation of the owner wins, and nobody else’s', async (t) => {
  const { world, vm, other } = recovering();
  const host = vm.host;
  world.see(vm, 'running', { generation: 4 }, other);
  t.equal(vm.generation, 1);
  world.see(vm, 'running', { generation: 4 });
  t.match(vm, { host, term: 1, generation: 5 });
  world.see(vm, 'running', { generation: 5, toldGeneration: 7 });
  t.match(vm, { host, term: 1, generation: 8 }, 'it takes no word that is older than one that it has heard');
});

test('in recovery the reboots that a host has counted are taken over, so that the next order is a new one', async (t) => {
  const { world, vm } = recovering();
  world.see(vm, 'running', { generation: 4, rebootCount: 3 });
  world.run({ type: 'recovery.end', site: 'zagreb' });
  world.see(vm, 'running', { generation: 5, rebootCount: 3 });
  world.run(world.rebootOf(vm));
  t.equal(vm.rebootCount, 4);
});

test('a reboot has a number that its host has not counted, also when the host says that only later', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.see(vm, 'running', { rebootCount: 3 });
  const { operation } = world.run(world.rebootOf(vm));
  t.equal(vm.rebootCount, 4);
  world.see(vm, 'running', { rebootCount: 3 });
  t.equal(operation.state, 'running');
  world.see(vm, 'running', { rebootCount: 4 });
  t.equal(operation.state, 'succeeded');
});

test('in recovery an agent’s refusal or absence frees nothing', async (t) => {
  const { world, vm } = recovering();
  for (const state of ['absent', 'refused'] as const) {
    world.see(vm, state);
    world.see(vm, state, { term: 5, generation: 9 });
  }
  t.match(vm, { term: 1, generation: 1, state: 'running' });
});

test('claims that an adoption brings may exceed the host, and then nothing new fits', async (t) => {
  const world = smallWorld();
  world.host('a', 'zagreb', { vms: 1 });
  world.host('b', 'zagreb', { vms: 1 });
  const one = world.settled('one');
  const two = world.settled('two');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  world.see(two, 'running', { term: 2 }, one.host as string);
  t.equal(two.host, one.host);
  const row = world.state.hostTable.row(one.host as string) as number;
  t.equal(world.state.hostTable.freeVms[row], -1);
  world.run({ type: 'recovery.end', site: 'zagreb' });
  world.run({ type: 'host.cordon', id: one.host === 'a' ? 'b' : 'a', cordoned: true });
  t.match(world.refused(world.createOf([world.newVm('three')])), { metadata: { LACKS_VM_SLOTS: '1' } });
});

test('after a restore no other host gets a term that the forgotten journal may have given', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { policy: { onGuestShutdown: 'stay_stopped', rebuildable: true } });
  const first = vm.host;
  world.run({ type: 'federation.open', instance: 'restored', name: 'test', incarnation: 3 });
  for (const host of ['a', 'b']) world.hello(host);
  world.see(vm, 'missing');
  world.start(vm);
  t.match(vm, { host: first, term: 2 }, 'its own host goes on with the disk that it has');
  world.see(vm, 'refused');
  t.not(vm.host, first);
  t.equal(vm.term, 2 * 2 ** 16 + 1);
});
