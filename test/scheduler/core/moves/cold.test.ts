import { test } from 'tap';
import { desiredMessage } from '../../../../scheduler/fleet/desired.js';
import type { Vm } from '../../../../scheduler/core/model.js';
import { verifyTenancy } from '../../../../scheduler/core/tenancy/verify.js';
import { agree, create, quota, threeCountries } from '../tenancy/federation.js';
import { fault } from '../world.js';
import { arriving, fence, lose, migrate, migrateOf, movingWorld } from './moving-world.js';

test('a cold move: it goes off, its host lets go of it, and the other has it under a new term', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const { state } = world;
  const { term } = vm;
  const operation = migrate(moving, 'cold');
  t.match(vm, { host: 'a', term, desired: 'running', move: { mode: 'cold', phase: 'going_off', peer: 'b' } });
  t.match(desiredMessage(state, vm), { role: 'VM_ROLE_STOPPED', term, stopGraceSeconds: 30 });
  t.equal(state.hostTable.claimed('b').memoryMib, 1024, 'it is claimed on both hosts');
  t.equal(state.hostTable.claimed('a').memoryMib, 1024);
  t.equal(state.claimOfAdministration('adm').memoryMib, 1024, 'and once in the quota');
  t.equal(state.poolClaimedMib.get('san'), 1000);
  world.see(vm, 'stopping');
  t.equal(vm.move?.phase, 'going_off');
  world.see(vm, 'stopped');
  t.match(desiredMessage(state, vm), { role: 'VM_ROLE_RELEASED', term }, 'its volumes stay');
  world.see(vm, 'absent', { generation: vm.generation - 1 });
  t.equal(vm.host, 'a', 'an answer to an older word frees nothing');
  world.see(vm, 'absent');
  t.match(vm, { host: 'b', state: 'placed', move: { phase: 'arriving', peer: 'a' } });
  t.ok(vm.term > term);
  t.match(desiredMessage(state, vm), { role: 'VM_ROLE_RUN', diskExists: true });
  t.equal(state.hostTable.claimed('a').vms, 1, 'its way back is kept');
  t.equal(operation.state, 'running');
  world.see(vm, 'starting');
  t.ok(vm.move);
  world.see(vm, 'running');
  t.equal(vm.move, undefined);
  t.equal(operation.state, 'succeeded');
  t.equal(state.hostTable.claimed('a').vms, 0);
  t.equal(state.moving.vms.size, 0);
});

test('one that is stopped moves as it is, and stays stopped', async (t) => {
  const { world, vm, operation } = arriving({ power: 'stopped' });
  t.match(vm, { host: 'b', desired: 'stopped' });
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_STOPPED' });
  world.see(vm, 'stopped');
  t.match(operation, { state: 'succeeded' });
  t.equal(vm.move, undefined);
});

test('what is to be stopped, and may run yet, is seen off before its host lets go of it', async (t) => {
  const late = movingWorld();
  late.world.stop(late.vm);
  late.world.nowMs += 3_600_000;
  late.world.run({ type: 'operation.time_out', id: late.vm.operation ?? '', limitMs: 60_000 });
  const forgotten = movingWorld();
  const { world: restored, vm: started } = forgotten;
  restored.stop(started);
  restored.see(started, 'stopped');
  // It was started, and the journal that knew of that is lost.
  restored.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
  restored.see(started, 'running', { generation: started.generation + 1 });
  restored.run({ type: 'recovery.end', site: 'zagreb' });
  for (const id of ['a', 'b', 'c']) restored.hello(id);
  t.match(started, { host: 'a', desired: 'stopped', state: 'stopped' });
  for (const moving of [late, forgotten]) {
    const { world, vm } = moving;
    migrate(moving, 'cold');
    t.match(vm, { desired: 'stopped', move: { phase: 'going_off' } });
    t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_STOPPED', stopGraceSeconds: 30 });
    world.see(vm, 'running', { generation: vm.generation - 1 });
    t.equal(vm.move?.phase, 'going_off');
    world.see(vm, 'stopped');
    t.equal(vm.move?.phase, 'leaving');
    world.see(vm, 'absent');
    world.see(vm, 'stopped');
    t.match(vm, { host: 'b', desired: 'stopped', state: 'stopped', move: undefined });
  }
});

test('it moves under the agreement that serves it now, claimed and paid for from the beginning of the move', async (t) => {
  const world = threeCountries();
  world.host('ljubljana-2', 'ljubljana');
  const hosts = ['ljubljana-1', 'ljubljana-2'];
  const pool = { id: 'san', site: 'ljubljana', path: '/srv/san', hosts, capacityMib: 100_000 };
  world.run({ type: 'pool.create', ...pool });
  agree(world, { id: 'old' });
  create(world, 'pula', 'vm', { pool: 'san' });
  const vm = world.state.vmByName('pula', 'vm') as Vm;
  world.see(vm, 'running');
  t.equal(vm.agreement, 'old');
  const move = () => migrateOf(world, vm, 'cold', null);
  agree(world, { id: 'new', limit: { vms: 1 } });
  const recall = { type: 'agreement.recall', id: 'old', etag: '' } as const;
  world.run(recall);
  create(world, 'pula', 'other', { pool: 'san' });
  t.match(world.refused(move()), { reason: 'AGREEMENT_EXHAUSTED' }, 'the new one has no room for it');
  t.equal(vm.agreement, 'old');
  world.run({ type: 'agreement.update', id: 'new', limit: { vms: 2 }, etag: '' });
  world.run(move());
  t.match(vm, { agreement: 'new', move: { phase: 'going_off' } });
  t.equal(world.state.tenancy.agreementUse('new').vms, 2);
  t.equal(world.state.tenancy.agreementUse('old').vms, 0);
  t.same(verifyTenancy(world.state).differences, []);
  world.see(vm, 'stopped');
  world.see(vm, 'absent');
  world.see(vm, 'running');
  t.match(vm, { agreement: 'new', state: 'running' });
  t.equal(vm.move, undefined);
  world.run({ type: 'partner.update', id: 'arnes', open: true, etag: '' });
  world.run(move());
  t.equal(vm.agreement, undefined, 'it needs none any more');
  t.equal(world.state.tenancy.agreementUse('new').vms, 1);
  t.same(verifyTenancy(world.state).differences, []);
});

test('until it has arrived it holds its former size under the new agreement as well', async (t) => {
  const world = threeCountries();
  world.host('ljubljana-2', 'ljubljana');
  const hosts = ['ljubljana-1', 'ljubljana-2'];
  world.run({ type: 'pool.create', id: 'san', site: 'ljubljana', path: '/srv', hosts, capacityMib: 100_000 });
  agree(world, { id: 'old' });
  create(world, 'pula', 'vm', { pool: 'san', vcpus: 8 });
  const vm = world.state.vmByName('pula', 'vm') as Vm;
  world.see(vm, 'running', { size: { vcpus: 8, memoryMib: 1024, diskMib: 1000 } });
  world.run(world.resizeOf(vm, { vcpus: 2 }));
  t.match(vm, { spec: { vcpus: 2 }, sizeBefore: { vcpus: 8 } });
  agree(world, { id: 'new', limit: { vcpus: 7 } });
  world.run({ type: 'agreement.recall', id: 'old', etag: '' });
  world.see(vm, 'running', { size: { vcpus: 8, memoryMib: 1024, diskMib: 1000 } });
  t.match(vm, { spec: { vcpus: 2 }, sizeBefore: { vcpus: 8 }, operation: null }, 'smaller once it is off');
  t.match(world.refused(migrateOf(world, vm, 'cold', null)), { reason: 'AGREEMENT_EXHAUSTED' });
  world.run({ type: 'agreement.update', id: 'new', limit: { vcpus: 8 }, etag: '' });
  world.run(migrateOf(world, vm, 'cold', null));
  t.equal(world.state.tenancy.agreementUse('new').vcpus, 8);
  t.same(verifyTenancy(world.state).differences, []);
});

test('what a stopped VM has given up it has given up on its new host as well', async (t) => {
  const { world, vm } = arriving({ power: 'stopped' });
  world.see(vm, 'stopped');
  world.run({ type: 'administration.update', id: 'adm', stoppedVms: 'free', etag: '' });
  world.start(vm);
  world.see(vm, 'running');
  world.stop(vm);
  world.see(vm, 'stopped');
  t.equal(vm.parked, true);
  world.run(migrateOf(world, vm, null, 'c'));
  t.equal(world.state.hostTable.claimed('c').memoryMib, 0);
  world.see(vm, 'absent');
  world.see(vm, 'stopped');
  t.match(vm, { host: 'c', parked: true });
  t.equal(world.state.claimOfAdministration('adm').memoryMib, 0);
});

test('what a stopped VM has given up is asked of neither quota nor host when it moves', async (t) => {
  const { world, vm } = movingWorld();
  const memoryMib = world.state.hosts.get('b')?.capacity.memoryMib ?? 0;
  const onB = { sites: [], countries: [], excludedHosts: ['a', 'c'] };
  world.settled('full', { memoryMib, pool: 'san', placement: onB });
  world.run({ type: 'administration.update', id: 'adm', stoppedVms: 'free', etag: '' });
  world.stop(vm);
  world.see(vm, 'stopped');
  t.equal(vm.parked, true);
  quota(world, 'adm', { memoryMib: 1 });
  world.run(migrateOf(world, vm, null, null));
  t.equal(vm.move?.peer, 'c', 'rather where it could start');
  world.see(vm, 'absent');
  world.see(vm, 'stopped');
  world.run({ type: 'host.cordon', id: 'a', cordoned: true });
  world.run(migrateOf(world, vm, null, null));
  world.see(vm, 'absent');
  world.see(vm, 'stopped');
  t.match(vm, { host: 'b', parked: true });
  t.match(world.refused(world.startOf(vm)), { reason: 'QUOTA_EXCEEDED' });
});

test('refused by the other host, it is back where it was, and the operation says so', async (t) => {
  const { world, vm, operation } = arriving();
  const { term } = vm;
  world.see(vm, 'refused', { fault: fault('NO_SPACE') });
  t.match(vm, { host: 'a', state: 'placed', desired: 'running' });
  t.ok(vm.term > term);
  t.equal(vm.move, undefined);
  t.match(operation, { state: 'failed', fault: { reason: 'NO_SPACE', message: /it is back on a/ } });
  t.equal(world.state.hostTable.claimed('b').vms, 0);
  world.see(vm, 'running');
  t.equal(vm.state, 'running');
});

test('when its former host is gone then, another has it', async (t) => {
  const { world, vm } = arriving();
  lose(world, 'a');
  world.see(vm, 'refused', { fault: fault('NO_SPACE') });
  t.match(vm, { host: 'c' });
});

test('when the other host is gone as it leaves, a third has it; without one it is back', async (t) => {
  for (const hosts of [
    ['a', 'b', 'c'],
    ['a', 'b'],
  ]) {
    const moving = movingWorld({}, hosts);
    const { world, vm } = moving;
    const operation = migrate(moving, 'cold');
    world.see(vm, 'stopped');
    lose(world, 'b');
    world.see(vm, 'absent');
    const host = hosts.at(-1) === 'c' ? 'c' : 'a';
    t.match(vm, { host, state: 'placed' });
    t.equal(vm.move, undefined);
    t.equal(operation.state, host === 'c' ? 'running' : 'failed');
    world.see(vm, 'running');
    t.match(operation, host === 'c' ? { state: 'succeeded' } : { fault: { reason: 'HOST_GONE' } });
  }
});

test('no other order is taken on the way, and each says what to do', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  migrate(moving, 'cold');
  const orders = [world.startOf(vm), world.stopOf(vm), world.rebootOf(vm), world.resizeOf(vm, { vcpus: 2 })];
  for (const order of [...orders, world.deleteOf(vm), migrateOf(world, vm, 'cold')]) {
    const { reason, message } = world.refused<typeof order.type>(order);
    t.equal(reason, 'OPERATION_UNDER_WAY');
    t.match(message, /on its way to another host; wait for operations\/operation-.*, or cancel it/);
  }
});

test('cancelled before its host lets go of it, it runs on; later it cannot be cancelled', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const first = migrate(moving, 'cold');
  world.run({ type: 'operation.cancel', id: first.id });
  t.match(first, { state: 'cancelled' });
  t.match(vm, { host: 'a', desired: 'running', operation: null });
  t.equal(vm.move, undefined);
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RUN' });
  world.see(vm, 'running');
  const second = migrate(moving, 'cold');
  world.see(vm, 'stopped');
  t.match(world.refused({ type: 'operation.cancel', id: second.id }), { reason: 'NOT_CANCELLABLE' });
  world.see(vm, 'absent');
  world.run({ type: 'operation.cancel', id: second.id });
  t.match(vm, { host: 'b', operation: null }, 'it stays on its new host');
  t.equal(world.state.hostTable.claimed('a').vms, 0, 'and no way back is kept');
});

test('one that crashes on its new host has arrived', async (t) => {
  const { world, vm } = arriving();
  world.see(vm, 'crashed');
  t.equal(vm.move, undefined);
  t.match(vm, { host: 'b', state: 'crashed' });
});

test('one whose domain vanishes as it goes off stays, and nothing is made anew', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const operation = migrate(moving, 'cold');
  world.see(vm, 'missing');
  t.match(vm, { host: 'a', state: 'missing' });
  t.equal(vm.move, undefined);
  t.match(operation, { state: 'failed', fault: { reason: 'MISSING' } });
});

test('one whose host is fenced on the way restarts elsewhere, or waits for its host', async (t) => {
  for (const onHostLoss of ['restart', undefined] as const) {
    const policy = { onGuestShutdown: 'stay_stopped', rebuildable: false } as const;
    const moving = movingWorld({ policy: onHostLoss ? { ...policy, onHostLoss } : policy });
    const { world, vm } = moving;
    migrate(moving, 'cold');
    fence(world, 'a');
    if (onHostLoss === undefined) {
      t.match(world.refused({ type: 'vm.evacuate', uid: vm.uid }), { reason: 'NOT_TO_LEAVE' });
      world.hello('a', { bootId: 'boot-2' });
      world.see(vm, 'stopped');
      world.see(vm, 'absent');
      t.match(vm, { host: 'b' }, 'and goes on moving');
    } else {
      t.ok(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved);
      t.match(vm, { leftOn: ['a'], state: 'placed' });
      t.equal(vm.move, undefined);
    }
  }
});

test('a host cannot take it: every reason is said', async (t) => {
  const { world, vm } = movingWorld();
  world.run({ type: 'host.cordon', id: 'b', cordoned: true });
  t.match(world.refused(migrateOf(world, vm, 'cold')), {
    reason: 'HOST_CANNOT_TAKE_IT',
    message: /host "b" cannot take VM "vm": it is cordoned/,
  });
  world.vm('large', {
    memoryMib: 65_000,
    placement: { sites: [], countries: [], excludedHosts: ['a', 'b'] },
  });
  t.match(world.refused(migrateOf(world, vm, 'cold', 'c')).message, /it lacks memory/);
  t.match(world.refused(migrateOf(world, vm, 'cold', 'a')), { reason: 'ALREADY_THERE' });
  t.match(world.refused(migrateOf(world, vm, 'cold', 'z')), { kind: 'not_found' });
  t.match(world.refused(migrateOf(world, vm, 'cold', null)), { reason: 'NO_HOST' });
  t.equal(world.state.moving.vms.size, 0);
});

test('one with its disk on its host stays there', async (t) => {
  const { world } = movingWorld();
  const vm = world.settled('own');
  t.match(world.refused(migrateOf(world, vm, 'cold', null)), { reason: 'DISK_THERE' });
});

test('one of a host that is not heard of cannot leave it', async (t) => {
  const { world, vm } = movingWorld();
  lose(world, 'a');
  t.match(world.refused(migrateOf(world, vm, 'cold')), { reason: 'HOST_NOT_CONNECTED' });
});

test('a host to which VMs are on their way is not retired', async (t) => {
  const moving = movingWorld();
  const { world } = moving;
  world.run({ type: 'pool.create', id: 'x', site: 'zagreb', path: '/x', hosts: ['a'], capacityMib: 1 });
  migrate(moving, 'cold');
  t.match(world.refused({ type: 'host.retire', id: 'b', etag: '' }), { message: /still has 1 VMs/ });
});

test('in recovery the newer host has it, and the move is forgotten', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  migrate(moving, 'cold');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'restored' });
  world.see(vm, 'running', { term: vm.term + 3 }, 'c');
  t.match(vm, { host: 'c' });
  t.equal(vm.move, undefined);
  t.equal(world.state.hostTable.claimed('b').vms, 0);
});

test('its host proven to be off when it was to let go of it: the other host has it, stopped as it was', async (t) => {
  const moving = movingWorld({ power: 'stopped' });
  const { world, vm } = moving;
  migrate(moving);
  fence(world, 'a');
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { host: 'b', desired: 'stopped', leftOn: ['a'] });
  world.see(vm, 'stopped');
  t.match(vm, { state: 'stopped', move: undefined });
});

test('its host proven to be off before: it is still the VM of that host, and takes orders', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const operation = migrate(moving, 'cold');
  fence(world, 'a');
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { host: 'a', move: undefined, operation: null });
  t.match(operation, { state: 'failed', fault: { reason: 'HOST_GONE' } });
});

test('refused where it arrived, with no way back and no third host, it takes orders there', async (t) => {
  const moving = movingWorld({}, ['a', 'b']);
  const { world, vm } = moving;
  migrate(moving, 'cold');
  world.see(vm, 'stopped');
  world.see(vm, 'absent');
  lose(world, 'a');
  world.see(vm, 'refused', { fault: fault('NO_SPACE') });
  t.match(vm, { host: 'b', state: 'failed', move: undefined, operation: null });
  t.ok(world.start(vm).operation);
});

test('one that its new host has let go of by a word that a restored journal has forgotten takes orders again', async (t) => {
  const { world, vm, operation } = arriving();
  world.see(vm, 'absent', { generation: vm.generation + 1 });
  t.match(vm, { host: 'b', state: 'missing', operation: null, fault: { reason: 'DELETED_THERE' } });
  t.equal(vm.move, undefined);
  t.match(operation, { state: 'failed', fault: { reason: 'DELETED_THERE' } });
  t.equal(world.state.hostTable.claimed('a').vms, 0, 'the room for its way back is free');
  t.ok(world.start(vm).operation);
});

test('a move whose VM is found in a recovery where it was not to go has failed, and one whose VM is there has not', async (t) => {
  for (const [found, state] of [
    ['a', 'failed'],
    ['c', 'failed'],
    ['b', 'succeeded'],
  ] as const) {
    const moving = movingWorld();
    const { world, vm } = moving;
    const operation = migrate(moving, 'cold');
    world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
    world.see(vm, 'running', { term: 9, generation: 9 }, found);
    t.match(vm, { host: found, term: 9, move: undefined }, found);
    world.run({ type: 'recovery.end', site: 'zagreb' });
    world.see(vm, 'running');
    t.equal(operation.state, state, found);
  }
});
