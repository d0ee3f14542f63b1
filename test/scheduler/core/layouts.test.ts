import { test } from 'tap';
import type { NumaCell, Vm } from '../../../scheduler/core/model.js';
import { fault, roomy, smallWorld, type World } from './world.js';

const gib = 1024;
const cell = (id: number, change: Partial<NumaCell> = {}): NumaCell => ({
  id,
  cpus: 8,
  memoryMib: 16 * gib,
  hugepages: [{ sizeKib: 2048, count: 2048 }],
  ...change,
});

/** Hosts of two cells with 8 CPUs, 16 GiB and 4 GiB in pages of 2 MiB each. */
function worldOf(...hosts: string[]): World {
  const world = smallWorld();
  for (const id of hosts)
    world.host(id, 'zagreb', { vcpus: 16, memoryMib: 32 * gib, cells: [cell(0), cell(1)] });
  return world;
}

const one = { cells: 1, dedicatedCpus: false };
const dedicated = { cells: 1, dedicatedCpus: true };

function claimsOf({ state }: World, host: string) {
  const claims = state.hostTable.claimsOnCells(host);
  return { dedicatedCpus: claims?.dedicatedCpus ?? 0, cells: Object.fromEntries(claims?.cells ?? []) };
}

/** A VM that its host has stopped: it may be resized. */
function stopped(world: World, id: string, change: Parameters<World['newVm']>[1]): Vm {
  const vm = world.vm(id, { ...change, power: 'stopped' });
  world.see(vm, 'stopped');
  return vm;
}

test('the cells of a VM are written down with its host, and nothing is written of a VM that floats', async (t) => {
  const world = worldOf('a');
  t.same(world.vm('bound', { numa: one }).numaCells, [0]);
  t.same(world.vm('wide', { vcpus: 2, numa: { cells: 2, dedicatedCpus: false } }).numaCells, [0, 1]);
  t.notOk('numaCells' in world.vm('floats'));
  t.notOk('numaCells' in world.vm('huge', { hugepageKib: 2048 }));
});

test('a VM that is refused by its host gets cells of the next one, and none when there is none', async (t) => {
  const world = worldOf('a', 'b');
  world.vm('filler', { memoryMib: 10 * gib, numa: one });
  world.vm('filler-2', { memoryMib: 10 * gib, numa: one });
  const vm = world.vm('vm', { memoryMib: 12 * gib, numa: one });
  t.match(vm, { host: 'b', numaCells: [0] });
  world.vm('filler-3', { memoryMib: 1 * gib, numa: one });
  // 5 GiB are left in the first cell of a, and 4 in that of b.
  const again = world.vm('again', { memoryMib: 5 * gib, numa: one });
  t.match(again, { host: 'a', numaCells: [0] });
  world.see(again, 'refused', { fault: fault('BUSY') });
  t.match(again, { host: 'b', numaCells: [1], term: 2 });
  t.match(claimsOf(world, 'a').cells[0], { memoryMib: 11 * gib, sharedVcpus: 2 });
  world.see(again, 'refused', { fault: fault('BUSY') });
  t.match(again, { host: null, state: 'failed' });
  t.notOk('numaCells' in again);
});

test('a vanished domain is made anew on the cells that it had', async (t) => {
  const world = worldOf('a');
  world.vm('first', { memoryMib: 16 * gib, numa: one });
  const vm = world.settled('vm', { numa: one });
  t.same(vm.numaCells, [1]);
  world.see(vm, 'missing');
  world.start(vm);
  t.match(vm, { host: 'a', term: 2, numaCells: [1] });
});

test('a resize is within the cells that a VM has, in sizes that they can have', async (t) => {
  const world = worldOf('a');
  const vm = stopped(world, 'vm', {
    vcpus: 2,
    memoryMib: 2 * gib,
    hugepageKib: 2048,
    numa: { cells: 2, dedicatedCpus: true },
  });
  t.match(world.refused(world.resizeOf(vm, { vcpus: 3 })), {
    kind: 'invalid',
    reason: 'SIZE_MISFITS',
    violations: [{ field: 'vcpus', description: '3 vCPUs cannot be divided into 2 equal cells' }],
  });
  t.match(world.refused(world.resizeOf(vm, { memoryMib: 2 * gib + 2 })), {
    reason: 'SIZE_MISFITS',
    violations: [
      { field: 'memory_mib', description: /2 equal cells of whole pages of 2 MiB.*a multiple of 4/ },
    ],
  });
  const floats = world.vm('floats', { vcpus: 4 });
  t.match(world.refused(world.resizeOf(vm, { vcpus: 14, memoryMib: 10 * gib })), {
    reason: 'NO_ROOM',
    message: [
      'host "a" has no room for it to grow (dedicated CPUs: 12 more needed, 10 free',
      'MiB in pages of 2 MiB: 8192 more needed, 6144 free',
      'MiB in pages of 2 MiB of cell 0: 4096 more needed, 3072 free',
      'MiB in pages of 2 MiB of cell 1: 4096 more needed, 3072 free)',
    ].join('; '),
  });
  world.run(world.resizeOf(vm, { vcpus: 12, memoryMib: 8 * gib }));
  t.match(claimsOf(world, 'a'), {
    dedicatedCpus: 12,
    cells: { 0: { dedicatedCpus: 6 }, 1: { dedicatedCpus: 6 } },
  });
  const row = world.state.hostTable.row('a') as number;
  t.equal(world.state.hostTable.freeVcpus[row], 0, 'four CPUs are left, and four vCPUs share them');
  world.delete(floats);
  world.see(floats, 'absent');
  t.equal(world.state.hostTable.freeVcpus[row], 4);
});

test('growing in one cell is refused when only others have room', async (t) => {
  const world = worldOf('a');
  const vm = stopped(world, 'vm', { vcpus: 4, numa: one });
  world.vm('next', { vcpus: 3, numa: one });
  t.match(world.refused(world.resizeOf(vm, { vcpus: 6 })), {
    reason: 'NO_ROOM',
    message: /\(vCPUs of cell 0: 2 more needed, 1 free\)/,
  });
  world.run(world.resizeOf(vm, { vcpus: 5 }));
});

test('dedicated CPUs stay dedicated when the overcommit changes, and what shares the others follows', async (t) => {
  const world = worldOf('a');
  world.vm('real-time', { vcpus: 6, numa: dedicated });
  world.vm('web', { vcpus: 10 });
  const row = world.state.hostTable.row('a') as number;
  const free = () => world.state.hostTable.freeVcpus[row];
  t.equal(free(), 0);
  world.run({ type: 'host.update', id: 'a', vcpuOvercommitPercent: 200, etag: '' });
  t.equal(free(), 10);
  t.equal(world.state.hostTable.claimed('a').vcpus, 22, '6 CPUs count as 12 vCPUs');
  world.run({ type: 'host.update', id: 'a', vcpuOvercommitPercent: 50, etag: '' });
  t.equal(free(), -5);
  world.run({ type: 'host.update', id: 'a', vcpuOvercommitPercent: null, etag: '' });
  world.hello('a', { inventory: { x: 1 }, capacity: { ...roomy, vcpus: 20, cells: [cell(0), cell(1)] } });
  t.equal(free(), 4);
});

test('a machine that has a cell less keeps what VMs hold of it, and takes nothing new until they have left', async (t) => {
  const world = worldOf('a');
  const vm = world.vm('vm', { memoryMib: 12 * gib, numa: one });
  const capacity = { ...roomy, vcpus: 16, memoryMib: 32 * gib, cells: [cell(1)] };
  world.hello('a', { inventory: { architecture: 'x86_64', x: 1 }, capacity });
  const next = world.newVm('next', { memoryMib: 12 * gib, numa: one });
  t.match(world.refused(world.createOf([next])), {
    message: /1 has less than the VMs there hold/,
    metadata: { HOLDS_TOO_MUCH: '1' },
  });
  t.match(world.refused(world.createOf([world.newVm('small')])), { metadata: { HOLDS_TOO_MUCH: '1' } });
  world.delete(vm);
  world.see(vm, 'absent');
  t.same(world.vm('next', { memoryMib: 12 * gib, numa: one }).numaCells, [1]);
  t.match(world.refused(world.createOf([world.newVm('more', { memoryMib: 6 * gib, numa: one })])), {
    metadata: { LACKS_NUMA_CELL: '1' },
  });
  t.notOk(0 in claimsOf(world, 'a').cells && claimsOf(world, 'a').cells[0]?.memoryMib);
});

test('in recovery a VM has the cells that its agent names, or else those that it had', async (t) => {
  for (const [numaCells, expected] of [
    [[1], [1]],
    [undefined, [0]],
    [[0, 1], [0]],
  ] as const) {
    const world = worldOf('a', 'b');
    const vm = world.settled('vm', { numa: one });
    world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
    world.see(vm, 'running', { term: 3, ...(numaCells ? { numaCells: [...numaCells] } : {}) }, 'b');
    t.match(vm, { host: 'b', numaCells: expected });
    t.equal(claimsOf(world, 'b').cells[expected[0]]?.sharedVcpus, 1);
  }
});
