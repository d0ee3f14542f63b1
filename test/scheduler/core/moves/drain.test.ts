import { test } from 'tap';
import type { MoveMode, Vm } from '../../../../scheduler/core/model.js';
import type { World } from '../world.js';
import { lose, movingWorld } from './moving-world.js';

const drain = (world: World, id = 'a', deadlineMs: number | null = null) =>
  world.run({ type: 'host.drain', id, deadlineMs });
const leave = (world: World, { uid }: Vm, mode: MoveMode = 'live') =>
  world.run({ type: 'vm.drain', uid, mode, isLast: true, operation: world.draw('operation') });

test('a host that is drained takes nothing new, and lets its VMs go', async (t) => {
  const { world, vm } = movingWorld();
  const host = drain(world);
  t.match(host, { cordoned: true, drain: { state: 'active', sinceMs: world.nowMs } });
  t.ok(leave(world, vm).moved);
  t.match(vm, { host: 'a', move: { mode: 'live', phase: 'getting_ready' } });
  t.not(vm.operation, null);
  t.notOk(leave(world, vm).moved, 'it is on its way already');
});

test('one that is stopped leaves as it is, whatever the way of the others', async (t) => {
  const { world, vm } = movingWorld({ power: 'stopped' });
  drain(world);
  leave(world, vm);
  t.match(vm.move, { mode: 'cold', phase: 'leaving' });
});

test('what is in the way is said once, and no more when the drain is undone', async (t) => {
  const { world } = movingWorld();
  const placement = { sites: [], countries: [], excludedHosts: ['b', 'c'] };
  const vm = world.settled('own', { placement });
  drain(world);
  t.notOk(leave(world, vm, 'cold').moved);
  t.match(vm.fault, { reason: 'DISK_THERE' });
  const { sequence } = world.state;
  leave(world, vm, 'cold');
  t.equal(world.state.sequence, sequence);
  const host = world.run({ type: 'host.undrain', id: 'a' });
  t.match(host, { cordoned: false });
  t.equal(host.drain, undefined);
  t.equal(vm.fault, null);
  t.match(world.refused({ type: 'vm.drain', uid: vm.uid, mode: 'cold', isLast: true, operation: 'x' }), {
    reason: 'NOT_DRAINED',
  });
});

test('one that neither runs nor is stopped stays, and that is said', async (t) => {
  const { world, vm } = movingWorld();
  drain(world);
  world.see(vm, 'paused');
  t.notOk(leave(world, vm, 'cold').moved);
  t.match(vm.fault, { reason: 'NOT_SETTLED', message: /it is paused/ });
  world.see(vm, 'running');
  t.ok(leave(world, vm, 'cold').moved);
});

test('where no other host has room it stays, without a word about other tenants', async (t) => {
  const { world, vm } = movingWorld();
  for (const id of ['b', 'c']) world.run({ type: 'host.cordon', id, cordoned: true });
  drain(world);
  t.notOk(leave(world, vm, 'cold').moved);
  t.match(vm.fault, { reason: 'NO_HOST', message: /no other host can take it now/ });
  world.run({ type: 'host.cordon', id: 'b', cordoned: false });
  t.ok(leave(world, vm, 'cold').moved, 'tried again, it leaves');
});

test('a drain is paused and resumed, and takes another deadline', async (t) => {
  const { world, vm } = movingWorld();
  drain(world);
  const host = world.run({ type: 'host.drain_pause', id: 'a', paused: true });
  t.match(host.drain, { state: 'paused' });
  t.match(world.refused({ type: 'vm.drain', uid: vm.uid, mode: 'cold', isLast: true, operation: 'x' }), {
    reason: 'NOT_DRAINED',
  });
  drain(world, 'a', world.nowMs + 1000);
  t.match(host.drain, { state: 'paused', deadlineMs: world.nowMs + 1000 });
  world.run({ type: 'host.drain_pause', id: 'a', paused: false });
  t.match(host.drain, { state: 'active', deadlineMs: world.nowMs + 1000 });
  const { sequence } = world.state;
  drain(world, 'a', world.nowMs + 1000);
  t.equal(world.state.sequence, sequence, 'said again it writes nothing');
  t.match(world.refused({ type: 'host.drain', id: 'a', deadlineMs: world.nowMs }), {
    violations: [{ field: 'deadline' }],
  });
});

test('a host that is drained is not uncordoned but by the end of its drain', async (t) => {
  const { world } = movingWorld();
  drain(world);
  t.match(world.refused({ type: 'host.cordon', id: 'a', cordoned: false }), {
    reason: 'HOST_DRAINED',
    message: /secovia host undrain a/,
  });
});

test('a host that cannot let go of its VMs is not drained, and why is said', async (t) => {
  const { world } = movingWorld();
  world.join('new', 'zagreb');
  t.match(world.refused({ type: 'host.drain', id: 'new', deadlineMs: null }), {
    message: /never been connected/,
  });
  lose(world, 'b');
  t.match(world.refused({ type: 'host.drain', id: 'b', deadlineMs: null }), { message: /have it fenced/ });
  t.match(world.refused({ type: 'host.drain', id: 'none', deadlineMs: null }), { kind: 'not_found' });
  t.match(world.refused({ type: 'host.drain_pause', id: 'a', paused: true }), { reason: 'NOT_DRAINED' });
});
