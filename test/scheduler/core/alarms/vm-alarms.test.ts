import { test } from 'tap';
import type { DomainState } from '../../../../scheduler/core/commands.js';
import { fault, smallWorld } from '../world.js';
import { alarmsOf, codesOf, dayMs, minuteMs } from './alarms-of.js';

const owner = { role: 'administration_user', administration: 'adm' } as const;

const seen: { state: DomainState; code: string; severity: string }[] = [
  { state: 'missing', code: 'VM_MISSING', severity: 'critical' },
  { state: 'crashed', code: 'VM_CRASHED', severity: 'warning' },
  { state: 'paused', code: 'VM_PAUSED', severity: 'warning' },
];

for (const { state, code, severity } of seen) {
  test(`a VM that should run and is ${state}`, async (t) => {
    const world = smallWorld('a');
    const vm = world.settled('web');
    world.nowMs += minuteMs;
    const sinceMs = world.nowMs;
    world.see(vm, state, { fault: fault('SMOKE') });
    world.nowMs += dayMs;
    world.see(vm, state, { fault: fault('FIRE') });
    for (const standing of [undefined, owner]) {
      t.match(alarmsOf(world, standing), [
        {
          code,
          severity,
          sinceMs,
          about: { kind: 'VM', uid: vm.uid, administration: 'adm', id: 'web' },
          message: /^VM "web" of "adm" .*: because of FIRE$/,
        },
      ]);
    }
    world.see(vm, 'running');
    t.same(codesOf(world), []);
  });
}

for (const state of ['preparing', 'starting', 'running', 'stopping', 'stopped'] as const) {
  test(`a VM that is ${state} is no alarm`, async (t) => {
    const world = smallWorld('a');
    world.see(world.settled('web'), state);
    world.nowMs += dayMs;
    t.same(codesOf(world), []);
  });
}

test('of a VM that should be stopped it matters only that it is gone', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('web', { power: 'stopped' });
  world.see(vm, 'crashed');
  t.same(codesOf(world), []);
  world.see(vm, 'missing');
  t.same(codesOf(world), ['VM_MISSING']);
  world.delete(vm);
  t.same(codesOf(world), []);
});

test('a VM that no host takes any more', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('web');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  world.see(vm, 'refused', { fault: fault('NO_IMAGE') });
  t.match(alarmsOf(world), [{ code: 'VM_NOT_PLACED', sinceMs, message: /has no host/ }]);
});

test('a VM of which its host cannot say what it does, after five minutes', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('web');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  world.see(vm, 'unknown');
  world.nowMs += 5 * minuteMs - 1;
  t.same(codesOf(world), []);
  world.nowMs += 1;
  t.match(alarmsOf(world), [{ code: 'VM_UNKNOWN', sinceMs, message: /its host cannot say/ }]);
});

test('what was seen of a VM last is an alarm while its host is silent, too', async (t) => {
  const world = smallWorld('a');
  world.see(world.settled('web'), 'missing');
  const sinceMs = world.nowMs;
  world.run({ type: 'host.lapsed', id: 'a', reason: 'its lease has ended' });
  world.nowMs += dayMs;
  t.match(alarmsOf(world, owner), [{ code: 'VM_MISSING', sinceMs }]);
  t.same(codesOf(world), ['HOST_LOST', 'VM_MISSING']);
});

test('of VMs on a lost host their owner hears, and everybody else of the host', async (t) => {
  const world = smallWorld('a');
  world.settled('web');
  world.settled('db');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  world.run({ type: 'host.lapsed', id: 'a', reason: 'its lease has ended' });
  t.same(codesOf(world, owner), []);
  world.nowMs += 5 * minuteMs;
  t.match(alarmsOf(world, owner), [
    { code: 'VM_UNKNOWN', sinceMs, message: /its host is not heard of/ },
    { code: 'VM_UNKNOWN', sinceMs },
  ]);
  t.same(codesOf(world), ['HOST_LOST']);
  t.same(codesOf(world, { role: 'partner_operator', partner: 'p' }), ['HOST_LOST']);
});
