import { test } from 'tap';
import type { DomainState } from '../../../../scheduler/core/commands.js';
import { migrate, movingWorld } from '../moves/moving-world.js';
import { fault, smallWorld } from '../world.js';
import { alarmsOf, codesOf, dayMs, minuteMs } from './alarms-of.js';

const quarterMs = 15 * minuteMs;

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

for (const state of ['preparing', 'starting', 'stopping', 'stopped'] as const) {
  test(`a VM that should run and is ${state} is an alarm after a quarter of an hour without an operation`, async (t) => {
    const world = smallWorld('a');
    const vm = world.settled('web');
    world.nowMs += minuteMs;
    const sinceMs = world.nowMs;
    world.see(vm, state, { fault: fault('SMOKE') });
    world.nowMs += quarterMs - 1;
    t.same(codesOf(world), []);
    world.nowMs += 1;
    for (const standing of [undefined, owner]) {
      t.match(alarmsOf(world, standing), [
        {
          code: 'VM_OVERDUE',
          severity: 'warning',
          sinceMs,
          about: { kind: 'VM', uid: vm.uid },
          message: `VM "web" of "adm" is ${state} and should be running, and its host does not get it done: because of SMOKE`,
          advice: /secovia vm show adm\/web/,
        },
      ]);
    }
    const { operation } = world.start(vm);
    t.same(codesOf(world), [], 'an operation waits for it');
    world.nowMs += dayMs;
    const endedMs = world.nowMs;
    world.run({ type: 'operation.time_out', id: operation.id, limitMs: minuteMs });
    t.same(codesOf(world), []);
    world.nowMs += quarterMs;
    t.match(alarmsOf(world), [{ code: 'VM_OVERDUE', sinceMs: endedMs }]);
    world.see(vm, 'running');
    t.same(codesOf(world), []);
  });
}

test('a VM that runs, or is stopped as it should be, is no alarm', async (t) => {
  const world = smallWorld('a');
  world.settled('web');
  world.settled('db', { power: 'stopped' });
  world.nowMs += dayMs;
  t.same(codesOf(world), []);
});

test('a VM that its host does not delete, and one that does not stop within its grace', async (t) => {
  const world = smallWorld('a');
  const vms = { web: world.settled('web'), db: world.settled('db') };
  const operations = [world.delete(vms.web).operation, world.stop(vms.db).operation];
  world.nowMs += dayMs;
  const sinceMs = world.nowMs;
  for (const { id } of operations) world.run({ type: 'operation.time_out', id, limitMs: minuteMs });
  world.nowMs += quarterMs;
  t.same(codesOf(world), [], 'its guest may take its time');
  world.nowMs += 5 * minuteMs;
  const alarms = alarmsOf(world).sort((a, b) => (a.message < b.message ? 1 : -1));
  t.match(alarms, [
    { code: 'VM_OVERDUE', sinceMs, message: /"web" of "adm" is to be deleted, and/ },
    { code: 'VM_OVERDUE', sinceMs, message: /"db" of "adm" is running and should be stopped/ },
  ]);
  world.see(vms.db, 'stopped');
  world.see(vms.web, 'absent');
  t.same(codesOf(world), []);
});

test('a VM that was to be on another host, and of which its own does not let go', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const operation = migrate(moving, 'cold');
  world.see(vm, 'stopped');
  t.equal(vm.move?.phase, 'leaving');
  world.nowMs += dayMs;
  const sinceMs = world.nowMs;
  world.run({ type: 'operation.time_out', id: operation.id, limitMs: minuteMs });
  world.nowMs += dayMs;
  t.match(alarmsOf(world), [
    { code: 'VM_OVERDUE', sinceMs, message: /is to be on another host, and its host/ },
  ]);
  world.see(vm, 'absent');
  world.see(vm, 'running');
  t.same(codesOf(world), []);
});

test('a VM that had another trouble before, or another host, has its quarter of an hour from then', async (t) => {
  const world = smallWorld('a', 'b');
  const policy = { onGuestShutdown: 'stay_stopped', rebuildable: true, onHostLoss: 'restart' } as const;
  const vm = world.settled('web', { policy });
  const from = vm.host ?? '';
  world.see(vm, 'paused');
  world.nowMs += dayMs;
  t.same(codesOf(world), ['VM_PAUSED']);
  world.run({ type: 'host.lapsed', id: from, reason: 'its lease has ended' });
  world.run({ type: 'host.fence_confirm', id: from, reason: 'somebody has looked' });
  const placedMs = world.nowMs;
  t.ok(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved);
  const ofVm = () => alarmsOf(world).filter(({ about }) => about.kind === 'VM');
  t.same(ofVm(), []);
  world.nowMs += quarterMs;
  t.match(ofVm(), [{ code: 'VM_OVERDUE', sinceMs: placedMs, message: /is placed and should be running/ }]);
  world.see(vm, 'crashed');
  t.match(ofVm(), [{ code: 'VM_CRASHED' }]);
  world.nowMs += dayMs;
  world.see(vm, 'starting');
  t.same(ofVm(), []);
});

test('what its host could not do while it was away, or in recovery, it does not owe', async (t) => {
  const world = smallWorld('a');
  world.see(world.settled('web'), 'starting');
  world.nowMs += dayMs;
  world.run({ type: 'host.lapsed', id: 'a', reason: 'its lease has ended' });
  t.same(codesOf(world), ['HOST_LOST']);
  world.hello('a');
  const backMs = world.nowMs;
  t.same(codesOf(world), []);
  world.nowMs += quarterMs;
  t.match(alarmsOf(world), [{ code: 'VM_OVERDUE', sinceMs: backMs }]);
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'restored' });
  t.same(codesOf(world), ['SITE_RECOVERING']);
  world.run({ type: 'recovery.end', site: 'zagreb' });
  t.same(codesOf(world), []);
});

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
