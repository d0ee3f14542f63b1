/** VMs that move between hosts, ordered over the interface and carried out by agents by hand. */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { test } from 'tap';
import { isRole, MoveWorld, onPool, operationOf } from './move-world.js';

test('a cold move stops the VM, lets its host let go of it, and starts it on the other, claimed on both until then', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const [a, b] = [world.agent('a'), world.agent('b')];
  const name = await world.running('vm', 'a');
  const answer = await world.migrate(name, { gracePeriod: { seconds: 7, nanos: 0 } });
  t.match(answer, {
    vm: {
      host: 'hosts/a',
      desiredPowerState: 'POWER_STATE_RUNNING',
      move: { from: 'hosts/a', to: 'hosts/b', mode: 'MIGRATION_MODE_COLD', progress: /goes off/ },
    },
    operation: {
      verb: 'migrate',
      state: 'OPERATION_STATE_RUNNING',
      progress: /adm\/vm is .* on a: it goes off/,
    },
  });
  t.same(await world.held('a', 'b'), [1, 1], 'claimed on both');
  t.equal(await world.heldInQuota(), 1, 'and once in the quota');
  const stopped = await a.desired('the stop', isRole('VM_ROLE_STOPPED'));
  t.match(stopped, { stopMode: 'STOP_MODE_GRACEFUL', stopGraceSeconds: 7, term: 1 });
  a.answer(stopped);
  const released = await a.desired('the release', isRole('VM_ROLE_RELEASED'));
  t.notOk(
    b.heard.all.some(({ desired }) => desired?.uid === released.uid),
    'the other host hears of it when the first has let go',
  );
  a.answer(released);
  const run = await b.desired('the start', isRole('VM_ROLE_RUN'));
  t.match(run, { term: 2, diskExists: true, storagePoolPath: '/srv/san' });
  t.match(await world.vm(name), { host: 'hosts/b', move: { from: 'hosts/a', to: 'hosts/b' } });
  t.same(await world.held('a', 'b'), [1, 1], 'it could still come back');
  b.answer(run);
  t.match(await world.ended(operationOf(answer)), { state: 'OPERATION_STATE_SUCCEEDED', error: null });
  t.match(await world.vm(name), { host: 'hosts/b', state: 'VM_STATE_RUNNING', move: null, term: 2 });
  t.same(await world.held('a', 'b'), [0, 1]);
  t.equal(await world.heldInQuota(), 1);
});

test('what the other host refuses is back where it was, and the operation says so', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const [a, b] = [world.agent('a'), world.agent('b')];
  const name = await world.running('vm', 'a');
  const answer = await world.migrate(name);
  a.answer(await a.desired('the stop', isRole('VM_ROLE_STOPPED')));
  a.answer(await a.desired('the release', isRole('VM_ROLE_RELEASED')));
  const run = await b.desired('the start', isRole('VM_ROLE_RUN'));
  const error = { code: 9, message: 'its disk is not in sight' };
  b.answer(run, { state: 'DOMAIN_STATE_REFUSED', error });
  const again = await a.desired('the return', isRole('VM_ROLE_RUN'));
  t.match(again, { term: 3, diskExists: true });
  a.answer(again);
  t.match(await world.ended(operationOf(answer)), {
    state: 'OPERATION_STATE_FAILED',
    error: { message: /b refused it: its disk is not in sight; it is back on a/ },
  });
  await world.federation.becomes(name, 'runs again', ({ state }) => state === 'VM_STATE_RUNNING');
  t.match(await world.vm(name), { host: 'hosts/a', move: null });
  t.same(await world.held('a', 'b'), [1, 0]);
});

test('cancelled before it has left it stays, and later it cannot be cancelled', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const [a, b] = [world.agent('a'), world.agent('b')];
  const name = await world.running('vm', 'a');
  const first = operationOf(await world.migrate(name));
  await a.desired('the stop', isRole('VM_ROLE_STOPPED'));
  await world.api.call('CancelOperation', { name: first });
  a.answer(await a.desired('that it stays', isRole('VM_ROLE_RUN')));
  t.match(await world.ended(first), { state: 'OPERATION_STATE_CANCELLED' });
  t.match(await world.vm(name), { host: 'hosts/a', move: null });
  t.same(await world.held('a', 'b'), [1, 0]);
  const second = operationOf(await world.migrate(name));
  a.answer(await a.desired('the stop', isRole('VM_ROLE_STOPPED')));
  const released = await a.desired('the release', isRole('VM_ROLE_RELEASED'));
  t.match(await world.api.fails('CancelOperation', { name: second }), {
    code: status.FAILED_PRECONDITION,
    reason: 'NOT_CANCELLABLE',
    message: /has left its host, and is about to be on b/,
  });
  t.equal((await world.api.call('GetOperation', { name: second })).operation?.done, false, 'it goes on');
  a.answer(released);
  b.answer(await b.desired('the start', isRole('VM_ROLE_RUN')));
  t.match(await world.ended(second), { state: 'OPERATION_STATE_SUCCEEDED' });
});

test('what cannot move, and where it cannot go, is refused with what is in the way', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  world.agents.set('c', await world.federation.host('c'));
  const { api } = world;
  const name = await world.running('vm', 'a');
  const local = await world.running('local', 'a', { spec: { ...onPool, storagePool: '' } });
  const move = { name, mode: 'MIGRATION_MODE_COLD' } as const;
  const precondition = status.FAILED_PRECONDITION;
  t.match(await api.fails('MigrateVm', { ...move, name: local }), {
    code: precondition,
    reason: 'DISK_THERE',
    message: /"local" cannot move: its only disk is on a: only VMs whose disk is on a shared pool can move/,
  });
  t.match(await api.fails('MigrateVm', { ...move, host: 'hosts/c' }), {
    code: precondition,
    reason: 'HOST_CANNOT_TAKE_IT',
    message: /host "c" cannot take VM "vm": it .*pool/,
  });
  await api.call('CordonHost', { name: 'hosts/b' });
  t.match(await api.fails('MigrateVm', { ...move, host: 'hosts/b' }), {
    code: precondition,
    message: /host "b" cannot take VM "vm": .*cordoned/,
  });
  t.match(await api.fails('MigrateVm', { ...move, host: 'hosts/a' }), { reason: 'ALREADY_THERE' });
  t.match(await api.fails('MigrateVm', { ...move, host: 'hosts/none' }), { code: status.NOT_FOUND });
  t.match(await api.fails('MigrateVm', { name, mode: 'MIGRATION_MODE_LIVE' }), {
    code: precondition,
    reason: 'LIVE_NOT_POSSIBLE',
    message: /no migration\.uri in its settings; stop it, or move it with --cold/,
  });
  const grace = { name, gracePeriod: { seconds: 5, nanos: 0 } };
  t.match(await api.fails('MigrateVm', grace), {
    code: status.INVALID_ARGUMENT,
    message: /grace_period: is for a guest that is stopped/,
  });
  t.match(await api.fails('MigrateVm', { ...move, etag: '"none"' }), { code: status.ABORTED });
  t.same(await world.held('a', 'b', 'c'), [2, 0, 0], 'nothing was claimed');
});

test('one order at a time, and a repeated one is the same', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const name = await world.running('vm', 'a');
  const requestId = randomUUID();
  const answer = await world.migrate(name, { requestId });
  t.equal(operationOf(await world.migrate(name, { requestId })), operationOf(answer));
  t.match(await world.api.fails('StopVm', { name }), { code: status.FAILED_PRECONDITION });
  t.match(await world.api.fails('MigrateVm', { name }), { code: status.FAILED_PRECONDITION });
  const moving = async (filter: string) =>
    (await world.api.call('ListVms', { filter })).vms.map((vm) => vm.name);
  t.same(await moving('moving = true'), [name]);
  t.same(await moving('moving = false'), []);
});

test('a move goes on after the scheduler was killed in the middle of it', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const name = await world.running('vm', 'a');
  const operation = operationOf(await world.migrate(name));
  await world.agent('a').desired('the stop', isRole('VM_ROLE_STOPPED'));
  const back = async () => {
    await world.federation.scheduler.restart();
    for (const host of ['a', 'b']) world.agents.set(host, await world.federation.reconnect(host));
    return [world.agent('a'), world.agent('b')] as const;
  };
  const [a1] = await back();
  t.match(await world.vm(name), { move: { from: 'hosts/a', to: 'hosts/b' } });
  a1.answer(await a1.desired('the stop', isRole('VM_ROLE_STOPPED')));
  await a1.desired('the release', isRole('VM_ROLE_RELEASED'));
  const [a2] = await back();
  await world.federation.hostBecomes('b', 'HOST_STATE_READY');
  a2.answer(await a2.desired('the release', isRole('VM_ROLE_RELEASED')));
  await world.federation.becomes(name, 'is to be on b', ({ host }) => host === 'hosts/b');
  const [, b3] = await back();
  t.same(await world.held('a', 'b'), [1, 1]);
  b3.answer(await b3.desired('the start', isRole('VM_ROLE_RUN')));
  t.match(await world.ended(operation), { state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(await world.vm(name), { host: 'hosts/b', move: null, term: 2 });
  t.same(await world.held('a', 'b'), [0, 1]);
});
