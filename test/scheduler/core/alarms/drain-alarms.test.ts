import { test } from 'tap';
import { handingOver } from '../moves/moving-world.js';
import { smallWorld, type World } from '../world.js';
import { alarmsOf, codesOf, minuteMs } from './alarms-of.js';

const cannotLeave = { code: 9, reason: 'DISK_THERE', message: 'its disk is there' };

/** A world in which host a is drained, with these VMs. */
function drained(vms: readonly string[], deadlineMs: number | null = null): World {
  const world = smallWorld('a', 'b');
  const host = 'a';
  world.run({ type: 'host.cordon', id: 'b', cordoned: true });
  for (const id of vms) world.settled(id);
  world.run({ type: 'host.cordon', id: 'b', cordoned: false });
  world.nowMs += minuteMs;
  world.run({
    type: 'host.drain',
    id: host,
    deadlineMs: deadlineMs === null ? null : world.nowMs + deadlineMs,
  });
  return world;
}

/** The VM is tried, and its disk keeps it there. */
function tryOf(world: World, id: string): void {
  const { uid } = world.state.vmByName('adm', id) ?? { uid: '' };
  world.run({ type: 'vm.drain', uid, mode: 'cold', isLast: true, operations: [world.draw('operation')] });
}

test('a drain is no alarm while a VM can still be tried, and one when none is left that could go', async (t) => {
  const world = drained(['one', 'two']);
  const sinceMs = world.nowMs;
  t.same(codesOf(world), []);
  tryOf(world, 'one');
  t.same(codesOf(world), []);
  world.nowMs += minuteMs;
  tryOf(world, 'two');
  t.match(alarmsOf(world), [
    {
      code: 'HOST_DRAIN_STUCK',
      severity: 'warning',
      about: { kind: 'host', id: 'a' },
      sinceMs,
      message: /none of its 2 VMs can leave; "one" of "adm": its only disk is on a/,
      advice: /secovia host show a.*secovia host undrain a/,
    },
  ]);
});

test('it ends when the drain is paused, goes on with it, and is gone when the drain is undone', async (t) => {
  const world = drained(['one']);
  tryOf(world, 'one');
  world.run({ type: 'host.drain_pause', id: 'a', paused: true });
  t.same(codesOf(world), []);
  world.run({ type: 'host.drain_pause', id: 'a', paused: false });
  t.same(codesOf(world), ['HOST_DRAIN_STUCK']);
  world.run({ type: 'host.undrain', id: 'a' });
  t.same(codesOf(world), []);
});

test('a VM that is not what it should be is in the way as well', async (t) => {
  const world = drained(['one']);
  const vm = world.state.vmByName('adm', 'one');
  if (vm === undefined) throw new Error('there is no VM');
  world.see(vm, 'crashed');
  const stuck = alarmsOf(world).filter(({ code }) => code === 'HOST_DRAIN_STUCK');
  t.match(stuck, [{ message: /"one" of "adm": it is crashed and should be running/ }]);
});

test('a VM that is not deleted in all the time that this may take is in the way as well', async (t) => {
  const world = drained(['one']);
  const vm = world.state.vmByName('adm', 'one');
  if (vm === undefined) throw new Error('there is no VM');
  const { operation } = world.delete(vm);
  t.same(codesOf(world), [], 'it is about to be deleted');
  world.nowMs += 10 * minuteMs;
  world.run({ type: 'operation.time_out', id: operation.id, limitMs: minuteMs });
  t.match(alarmsOf(world), [{ code: 'HOST_DRAIN_STUCK', message: /"one" of "adm": it is to be deleted/ }]);
});

test('a move that was cancelled is not in the way while it comes to its end', async (t) => {
  const moving = handingOver();
  const { world, operation } = moving;
  world.run({ type: 'host.drain', id: 'a', deadlineMs: null });
  world.run({ type: 'operation.cancel', id: operation.id });
  t.equal(moving.vm.move?.phase, 'aborting');
  world.nowMs += 4 * minuteMs;
  t.same(codesOf(world), []);
  world.nowMs += 2 * minuteMs;
  t.match(alarmsOf(world), [{ code: 'HOST_DRAIN_STUCK', message: /its hosts do not say where it is/ }]);
});

test('the most important VM that cannot leave is told', async (t) => {
  const world = drained(['one', 'two']);
  const vm = world.state.vmByName('adm', 'two');
  if (vm === undefined) throw new Error('there is no VM');
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, priority: 'critical', etag: '' });
  world.see(vm, 'running', { fault: cannotLeave });
  tryOf(world, 'one');
  t.match(alarmsOf(world), [{ message: /"two" of "adm": its disk is there/ }]);
});

test('a deadline that has passed with VMs left is critical, since then, whatever keeps them', async (t) => {
  const world = drained(['one'], 10 * minuteMs);
  const deadlineMs = world.nowMs + 10 * minuteMs;
  world.nowMs = deadlineMs - 1;
  t.same(codesOf(world), []);
  world.nowMs = deadlineMs + minuteMs;
  const late = { code: 'HOST_DRAIN_STUCK', severity: 'critical', sinceMs: deadlineMs, about: { id: 'a' } };
  t.match(alarmsOf(world), [
    { ...late, message: /was to be empty by 2023-11-14 22:\d\d UTC, and has 1 VM$/ },
  ]);
  world.run({ type: 'host.drain_pause', id: 'a', paused: true });
  t.match(alarmsOf(world), [{ ...late, message: /has 1 VM and is paused$/, advice: /drain-resume a/ }]);
  const vm = world.state.vmByName('adm', 'one');
  if (vm === undefined) throw new Error('there is no VM');
  world.delete(vm);
  world.see(vm, 'absent');
  t.same(codesOf(world), [], 'an empty host is what was wanted');
});
