/** Hosts that are drained: their VMs leave them a few at a time, and what cannot leave is told. */
import { status } from '@grpc/grpc-js';
import { test } from 'tap';
import type { ScriptedAgent } from './agent.js';
import { eventually } from '../within.js';
import { isRole, MoveWorld, onPool } from './move-world.js';

const drain = { name: 'hosts/a' };
const inMs = (ms: number) => ({ seconds: Math.floor((Date.now() + ms) / 1000), nanos: 0 });

/** Who has been told to go off, as names of VMs. */
const toldToStop = (agent: ScriptedAgent) =>
  agent.heard.all.flatMap(({ desired }) =>
    desired?.role === 'VM_ROLE_STOPPED' ? [desired.vmName.split('/').at(-1)] : [],
  );

test('the VMs of a drained host leave it two at a time, the most important first, until it is empty', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const [a, b] = [world.agent('a'), world.agent('b')];
  for (const id of ['one', 'two', 'three']) await world.running(id, 'a');
  await world.running('critical', 'a', { spec: onPool, priority: 'VM_PRIORITY_CRITICAL' });
  const { host } = await world.api.call('DrainHost', drain);
  t.match(host, {
    cordoned: true,
    drain: { state: 'HOST_DRAIN_STATE_ACTIVE', vmsLeft: 4, deadline: null, startTime: { seconds: Number } },
  });
  const first = await a.desired('the first stop', isRole('VM_ROLE_STOPPED'));
  const second = await a.desired('the second stop', isRole('VM_ROLE_STOPPED'));
  t.same(toldToStop(a), ['critical', 'one']);
  t.match((await world.host('a')).drain, { vmsLeft: 4, vmsMoving: 2, obstacles: [] });
  b.obey();
  a.answer(first);
  a.answer(await a.desired('the release', isRole('VM_ROLE_RELEASED')));
  const third = await a.desired('the third stop', isRole('VM_ROLE_STOPPED'));
  t.same(toldToStop(a), ['critical', 'one', 'two'], 'one has left, and the next goes');
  a.obey();
  a.answer(second);
  a.answer(third);
  const drained = await world.hostIs(
    'a',
    'is drained',
    (now) => now.drain?.state === 'HOST_DRAIN_STATE_DRAINED',
  );
  t.match(drained, { claimed: { vms: 0 }, drain: { vmsLeft: 0, vmsMoving: 0, obstacles: [] } });
  t.equal((await world.host('b')).claimed?.vms, 4);
  const { vms } = await world.api.call('ListVms', { filter: 'host = "hosts/b" AND state = RUNNING' });
  t.equal(vms.length, 4);
  const draining = (await world.api.call('ListHosts', { filter: 'draining = true' })).hosts;
  t.same(
    draining.map(({ name }) => name),
    ['hosts/a'],
  );
  t.match(await world.api.fails('UncordonHost', drain), {
    code: status.FAILED_PRECONDITION,
    reason: 'HOST_DRAINED',
    message: /secovia host undrain a/,
  });
  const undrained = await world.api.call('UndrainHost', drain);
  t.match(undrained.host, { cordoned: false, drain: null });
});

test('VMs that have to be on one host leave it together, however many they are', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const placement = {
    groups: [{ group: 'app', policy: 'GROUP_POLICY_AFFINITY' as const, scope: 'GROUP_SCOPE_HOST' as const }],
  };
  const names = [];
  for (const id of ['one', 'two', 'three'])
    names.push(await world.running(id, 'a', { spec: onPool, placement }));
  world.agent('b').obey();
  world.agent('a').obey();
  await world.api.call('DrainHost', drain);
  await world.hostIs('a', 'is drained', (now) => now.drain?.state === 'HOST_DRAIN_STATE_DRAINED');
  const { operations } = await world.api.call('ListOperations', { filter: 'verb = migrate' });
  t.same(
    operations.map(({ state, targets }) => [state, targets.length]),
    names.map(() => ['OPERATION_STATE_SUCCEEDED', 1]),
  );
  t.equal(new Set(operations.flatMap(({ targets }) => targets)).size, 3, 'each has one of its own');
  t.same(await world.held('a', 'b'), [0, 3]);
});

test('a paused drain lets those arrive that are on their way, and no further one leave, until it goes on', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const a = world.agent('a');
  for (const id of ['one', 'two', 'three']) await world.running(id, 'a');
  await world.api.call('DrainHost', drain);
  const first = await a.desired('the first stop', isRole('VM_ROLE_STOPPED'));
  const second = await a.desired('the second stop', isRole('VM_ROLE_STOPPED'));
  const paused = await world.api.call('PauseDrain', drain);
  t.match(paused.host?.drain, { state: 'HOST_DRAIN_STATE_PAUSED', vmsLeft: 3 });
  world.agent('b').obey();
  for (const stop of [first, second]) {
    a.answer(stop);
    a.answer(await a.desired('the release', isRole('VM_ROLE_RELEASED')));
  }
  await world.hostIs('a', 'has one VM', ({ drain: now }) => now?.vmsLeft === 1 && now.vmsMoving === 0);
  await world.hostIs('b', 'has two VMs', ({ claimed }) => claimed?.vms === 2);
  t.match((await world.host('a')).drain, { state: 'HOST_DRAIN_STATE_PAUSED' });
  t.same(toldToStop(a), ['one', 'two']);
  a.obey();
  await world.api.call('ResumeDrain', drain);
  await world.hostIs('a', 'is drained', (now) => now.drain?.state === 'HOST_DRAIN_STATE_DRAINED');
  t.same(toldToStop(a), ['one', 'two', 'three']);
});

test('an undone drain brings nothing back, and says no more of what was in the way', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const a = world.agent('a');
  const local = await world.running('local', 'a', { spec: { ...onPool, storagePool: '' } });
  const vm = await world.running('vm', 'a');
  await world.api.call('DrainHost', drain);
  const stop = await a.desired('the stop', isRole('VM_ROLE_STOPPED'));
  await world.hostIs('a', 'has an obstacle', (now) => now.drain?.obstacles.length === 1);
  t.match(await world.vm(local), { error: { message: /its only disk is on a/ } });
  t.match((await world.api.call('UndrainHost', drain)).host, { cordoned: false, drain: null });
  t.match(await world.vm(local), { error: null });
  world.agent('b').obey();
  a.answer(stop);
  a.answer(await a.desired('the release', isRole('VM_ROLE_RELEASED')));
  await world.federation.becomes(vm, 'has arrived', ({ host, move }) => host === 'hosts/b' && move === null);
  t.match(await world.api.call('UndrainHost', drain), { host: { drain: null } }, 'twice is as once');
});

test('what cannot leave is told with its reason, and a drain that does not get on is an alarm', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  await world.running('local', 'a', { spec: { ...onPool, storagePool: '' } });
  const policy = { onDrain: 'DRAIN_POLICY_LIVE_ONLY' } as const;
  const careful = await world.running('careful', 'a', { spec: onPool, policy });
  t.match((await world.vm(careful)).policy, policy);
  await world.api.call('DrainHost', drain);
  const { drain: stuck } = await world.hostIs(
    'a',
    'has two obstacles',
    (now) => now.drain?.obstacles.length === 2,
  );
  t.match(stuck, {
    state: 'HOST_DRAIN_STATE_ACTIVE',
    vmsLeft: 2,
    vmsMoving: 0,
    obstacles: [
      { vm: 'administrations/adm/vms/local', reason: 'DISK_THERE', message: /its only disk is on a/ },
      { vm: careful, reason: 'LIVE_NOT_POSSIBLE', message: /no migration\.uri/ },
    ],
  });
  t.same(toldToStop(world.agent('a')), [], 'nobody was stopped');
  const { alarms } = await world.api.call('ListAlarms', { filter: 'code = HOST_DRAIN_STUCK' });
  t.match(alarms, [
    {
      severity: 'ALARM_SEVERITY_WARNING',
      about: 'hosts/a',
      message: /the drain of host "a" does not get on: none of its 2 VMs can leave; "local" of "adm"/,
    },
  ]);
  await world.api.call('PauseDrain', drain);
  t.same((await world.api.call('ListAlarms', {})).alarms, [], 'one that is paused is not expected to get on');
});

test('from its deadline on a drain stops also what should leave only while it runs', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  const policy = { onDrain: 'DRAIN_POLICY_LIVE_ONLY' } as const;
  await world.running('careful', 'a', { spec: onPool, policy });
  const deadline = inMs(8000);
  const { host } = await world.api.call('DrainHost', { ...drain, deadline });
  t.match(host?.drain, { deadline: { seconds: deadline.seconds } });
  await world.hostIs('a', 'has an obstacle', (now) => now.drain?.obstacles.length === 1);
  const late = async () =>
    (await world.api.call('ListAlarms', { filter: 'severity = CRITICAL' })).alarms.map(({ code }) => code);
  await eventually('the host is late', late, (codes) => codes.length > 0);
  t.same(await late(), ['HOST_DRAIN_STUCK']);
  const [a, b] = [world.agent('a'), world.agent('b')];
  for (const agent of [a, b]) agent.obey();
  // It may have been told already: the move begins at the deadline as well.
  for (const { desired } of a.heard.all) if (desired?.role === 'VM_ROLE_STOPPED') a.answer(desired);
  await world.hostIs('a', 'is drained', (now) => now.drain?.state === 'HOST_DRAIN_STATE_DRAINED');
  t.same(await late(), []);
});

test('what is no drain, or none that can be, is refused', async (t) => {
  const world = await MoveWorld.start(t, ['a']);
  await world.federation.join('new');
  t.match(await world.api.fails('DrainHost', { ...drain, deadline: inMs(-60_000) }), {
    code: status.INVALID_ARGUMENT,
    message: 'deadline: must be in the future',
    details: { fieldViolations: [{ field: 'deadline' }] },
  });
  for (const method of ['PauseDrain', 'ResumeDrain'] as const) {
    t.match(await world.api.fails(method, drain), {
      code: status.FAILED_PRECONDITION,
      reason: 'NOT_DRAINED',
      message: /secovia host drain a/,
    });
  }
  t.match(await world.api.fails('DrainHost', { name: 'hosts/new' }), {
    code: status.FAILED_PRECONDITION,
    message: /"new" cannot be drained: it has never been connected/,
  });
  for (const method of ['DrainHost', 'PauseDrain', 'ResumeDrain', 'UndrainHost'] as const)
    t.match(await world.api.fails(method, { name: 'hosts/none' }), { code: status.NOT_FOUND }, method);
});

test('a drain goes on after the scheduler was killed, with its deadline', async (t) => {
  const world = await MoveWorld.start(t, ['a', 'b']);
  for (const id of ['one', 'two', 'three']) await world.running(id, 'a');
  const deadline = inMs(3_600_000);
  await world.api.call('DrainHost', { ...drain, deadline });
  await world.agent('a').desired('a stop', isRole('VM_ROLE_STOPPED'));
  await world.federation.scheduler.restart();
  t.match((await world.host('a')).drain, {
    state: 'HOST_DRAIN_STATE_ACTIVE',
    deadline: { seconds: deadline.seconds },
  });
  for (const host of ['a', 'b']) await world.federation.reconnect(host, { obeys: true });
  await world.hostIs('a', 'is drained', (now) => now.drain?.state === 'HOST_DRAIN_STATE_DRAINED');
  await world.hostIs('b', 'has all', ({ claimed }) => claimed?.vms === 3);
});
