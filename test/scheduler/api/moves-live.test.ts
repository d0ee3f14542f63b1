/** VMs that are handed over to another host while they run. */
import { test } from 'tap';
import { handsOver, isRole, MoveWorld, onPool, operationOf } from './move-world.js';

test('one that runs is handed over when the other host awaits it', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b'], handsOver);
  const [a, b] = [world.agent('a'), world.agent('b')];
  const name = await world.running('vm', 'a');
  const answer = await world.api.call('MigrateVm', { name });
  t.match(answer.vm?.move, { mode: 'MIGRATION_MODE_LIVE', progress: /gets ready/ });
  const receive = await b.desired('that it comes', isRole('VM_ROLE_RECEIVE'));
  t.match(receive, { term: 2, peer: 'hosts/a', diskExists: true });
  b.answer(receive, { state: 'DOMAIN_STATE_AWAITED' });
  const send = await a.desired('the order to send', isRole('VM_ROLE_SEND'));
  t.match(send, { term: 1, peer: 'hosts/b', peerUri: 'qemu+tls://b.test/system' });
  t.match(await world.vm(name), { host: 'hosts/a', state: 'VM_STATE_RUNNING' });
  a.answer(send, { state: 'DOMAIN_STATE_ABSENT' });
  await world.federation.becomes(name, 'has left', ({ move }) => /has left/.test(move?.progress ?? ''));
  b.answer({ ...receive, generation: send.generation }, { state: 'DOMAIN_STATE_RUNNING' });
  t.match(await world.federation.becomes(name, 'is on b', ({ host }) => host === 'hosts/b'), { term: 2 });
  b.answer(await b.desired('that it is its own', isRole('VM_ROLE_RUN')));
  t.match(await world.ended(operationOf(answer)), { state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(await world.vm(name), { host: 'hosts/b', state: 'VM_STATE_RUNNING', move: null });
  t.same(await world.held('a', 'b'), [0, 1]);
});

test('one that cannot be handed over runs on, and the other host is told that it does not come', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b'], handsOver);
  const [a, b] = [world.agent('a'), world.agent('b')];
  const name = await world.running('vm', 'a');
  const answer = await world.api.call('MigrateVm', { name, host: 'hosts/b' });
  const receive = await b.desired('that it comes', isRole('VM_ROLE_RECEIVE'));
  b.answer(receive, { state: 'DOMAIN_STATE_AWAITED' });
  const send = await a.desired('the order to send', isRole('VM_ROLE_SEND'));
  const error = { code: 10, message: 'b does not answer on its port' };
  const toldGeneration = send.generation;
  a.answer(send, { state: 'DOMAIN_STATE_RUNNING', generation: send.generation - 1, error, toldGeneration });
  t.match(await world.ended(operationOf(answer)), {
    state: 'OPERATION_STATE_FAILED',
    error: { message: /it runs on a: b does not answer on its port/ },
  });
  t.match(await world.vm(name), { host: 'hosts/a', state: 'VM_STATE_RUNNING', move: null });
  const released = await b.desired('that it does not come', isRole('VM_ROLE_RELEASED'));
  b.answer(released);
  await world.hostIs('b', 'has nothing left', ({ leftoverVms }) => leftoverVms === 0);
  t.same(await world.held('a', 'b'), [1, 0]);
});

test('a drain hands over what runs, also what may not be stopped for it, and moves at rest what is stopped', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b'], handsOver);
  const [a, b] = [world.agent('a'), world.agent('b')];
  const policy = { onDrain: 'DRAIN_POLICY_LIVE_ONLY' } as const;
  const careful = await world.running('careful', 'a', { spec: onPool, policy });
  const off = await world.running('off', 'a');
  await world.api.call('StopVm', { name: off });
  a.answer(await a.desired('the stop', isRole('VM_ROLE_STOPPED')));
  await world.federation.becomes(off, 'is off', ({ state }) => state === 'VM_STATE_STOPPED');
  await world.api.call('DrainHost', { name: 'hosts/a' });
  t.match(await b.desired('that it comes', isRole('VM_ROLE_RECEIVE')), { vmName: careful });
  t.match(await a.desired('the release', isRole('VM_ROLE_RELEASED')), { vmName: off });
  t.match(await world.vm(careful), { move: { mode: 'MIGRATION_MODE_LIVE' } });
  t.match(await world.vm(off), { move: { mode: 'MIGRATION_MODE_COLD' } });
});
