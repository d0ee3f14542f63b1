import { test } from 'tap';
import type { NewVm } from '../../../../scheduler/core/commands.js';
import type { MoveMode, Vm } from '../../../../scheduler/core/model.js';
import type { World } from '../world.js';
import { lose, movingWorld } from './moving-world.js';

const drain = (world: World, id = 'a', deadlineMs: number | null = null) =>
  world.run({ type: 'host.drain', id, deadlineMs });
const liveOnly = { onGuestShutdown: 'stay_stopped', onDrain: 'live_only', rebuildable: false } as const;
const leave = (world: World, { uid }: Vm, mode: MoveMode = 'live') =>
  world.run({ type: 'vm.drain', uid, mode, isLast: true, operations: [world.draw('operation')] });

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
  t.match(world.refused({ type: 'vm.drain', uid: vm.uid, mode: 'cold', isLast: true, operations: ['x'] }), {
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
  t.match(world.refused({ type: 'vm.drain', uid: vm.uid, mode: 'cold', isLast: true, operations: ['x'] }), {
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

/** VMs that have to be on one host, which is the one that is drained, on a pool that all mount. */
function pair(...changes: Partial<NewVm>[]): { world: World; vms: Vm[] } {
  const { world } = movingWorld();
  const groups = [{ group: 'app', policy: 'affinity', scope: 'host', soft: false, maxSkew: 0 } as const];
  const vms = changes.map((change, number) => {
    const placement = { sites: [], countries: [], excludedHosts: ['b', 'c'], groups };
    const vm = world.settled(`app-${number}`, { pool: 'san', placement, ...change });
    vm.placement = { ...vm.placement, excludedHosts: [] };
    return vm;
  });
  drain(world);
  return { world, vms };
}

const leaveAs = (world: World, { uid }: Vm, mode: MoveMode) =>
  world.run({
    type: 'vm.drain',
    uid,
    mode,
    isLast: true,
    operations: ['x', 'y', 'z'].map(() => world.draw('operation')),
  });

test('VMs that have to be together leave together, to one host with room for all', async (t) => {
  const { world, vms } = pair({}, {}, { power: 'stopped' });
  const [first, second, third] = vms as [Vm, Vm, Vm];
  const { others, moved } = leaveAs(world, second, 'live');
  t.ok(moved);
  t.same(new Set(others), new Set([first, third]));
  const peers = new Set(vms.map(({ move }) => move?.peer));
  t.equal(peers.size, 1);
  t.not([...peers][0], 'a');
  t.equal(
    world.state.hostTable.claimed([...peers][0] ?? '').vms,
    3,
    'it has room for all of them from now on',
  );
  t.same(
    vms.map(({ move }) => move?.mode),
    ['live', 'live', 'cold'],
  );
  const operations = vms.map(({ operation }) => world.state.operations.get(operation ?? ''));
  t.same(
    operations.map((operation) => operation?.targets),
    vms.map(({ uid }) => [uid]),
    'each has an operation of its own',
  );
  t.equal(new Set(operations.map((operation) => operation?.createdSequence)).size, 3);
});

test('while one of those that have to be together cannot leave, none does', async (t) => {
  const cases: [string, Partial<NewVm>, (world: World, second: Vm) => void][] = [
    ['its disk is there alone', { pool: '' }, () => undefined],
    ['it is not what it should be', {}, (world, second) => world.see(second, 'paused')],
    [
      'it is not to be stopped, and cannot be handed over before it was',
      { policy: liveOnly },
      (world, second) => {
        world.run(world.resizeOf(second, { memoryMib: 512 }));
        world.see(second, 'running', { size: { vcpus: 1, memoryMib: 1024, diskMib: 1000 } });
        t.match(second, { operation: null, sizeBefore: { memoryMib: 1024 } });
      },
    ],
  ];
  for (const [why, change, happens] of cases) {
    const { world, vms } = pair({}, change);
    const [first, second] = vms as [Vm, Vm];
    happens(world, second);
    t.notOk(leaveAs(world, first, 'cold').moved, why);
    t.match(first, { fault: { reason: 'NO_HOST' } });
    t.notOk(second.move);
    t.equal(world.state.hostTable.claimed('a').vms, 3, 'what was tried is given back');
  }
});

test('with one that is stopped for it, one that may not be is handed over while it runs, until the deadline', async (t) => {
  const { world, vms } = pair({}, { policy: liveOnly });
  leaveAs(world, vms[0] as Vm, 'cold');
  t.same(
    vms.map(({ move }) => move?.mode),
    ['cold', 'live'],
  );
  const late = pair({}, { policy: liveOnly });
  drain(late.world, 'a', late.world.nowMs + 1000);
  late.world.nowMs += 1000;
  leaveAs(late.world, late.vms[0] as Vm, 'cold');
  t.same(
    late.vms.map(({ move }) => move?.mode),
    ['cold', 'cold'],
  );
});

test('one whose move has failed follows those that it has to be with', async (t) => {
  const { world, vms } = pair({}, {});
  const [first, second] = vms as [Vm, Vm];
  leaveAs(world, first, 'cold');
  const peer = first.move?.peer ?? '';
  world.see(first, 'stopped');
  world.see(first, 'absent');
  world.see(first, 'running');
  t.match(first, { host: peer, move: undefined });
  world.run({ type: 'vm.move_give_up', uid: second.uid, message: 'a test' });
  world.see(second, 'running');
  t.match(second, { host: 'a', move: undefined });
  for (const id of ['b', 'c']) if (id !== peer) world.run({ type: 'host.cordon', id, cordoned: false });
  t.ok(leaveAs(world, second, 'cold').moved);
  t.equal(second.move?.peer, peer);
});
