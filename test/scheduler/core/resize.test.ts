/** What a VM holds, and is said to have, from the order to resize it until its host has been seen to have done it. */
import { test } from 'tap';
import type { Vm, VmSize } from '../../../scheduler/core/model.js';
import { waitsForRestart } from '../../../scheduler/core/resize.js';
import { portraitOf } from './portrait.js';
import { replay } from './journal.js';
import { fault, roomy, smallWorld, type World } from './world.js';

const plain: VmSize = { vcpus: 1, memoryMib: 1024, diskMib: 1000 };
const bigger: VmSize = { vcpus: 4, memoryMib: 4096, diskMib: 2000 };

/** What the only VM of host `a` holds, there and of its administration. */
function held({ state }: World): VmSize {
  const { vms: _, ...ofAdministration } = state.claimOfAdministration('adm');
  const { vms, ...ofHost } = state.hostTable.claimed('a');
  if (JSON.stringify(ofHost) !== JSON.stringify(ofAdministration) || vms !== 1) {
    throw new Error(`held of the host ${JSON.stringify(ofHost)}, else ${JSON.stringify(ofAdministration)}`);
  }
  return ofHost;
}

/** The host says what the VM's domain has. */
const sees = (world: World, vm: Vm, size: VmSize, change: Parameters<World['see']>[2] = {}) =>
  world.see(vm, vm.desired === 'stopped' ? 'stopped' : 'running', {
    size,
    toldGeneration: vm.generation,
    ...change,
  });

const order = (world: World, vm: Vm, size: Partial<VmSize>) => world.run(world.resizeOf(vm, size)).operation;
const cancel = (world: World, { id }: { id: string }) => world.run({ type: 'operation.cancel', id });

for (const power of ['stopped', 'running'] as const) {
  test(`a ${power} VM that grows holds what is new at once, and keeps what is not named`, async (t) => {
    const world = smallWorld('a');
    const vm = world.settled('vm', { power });
    const operation = order(world, vm, { vcpus: 4, diskMib: 2000 });
    t.match(vm.spec, { vcpus: 4, memoryMib: 1024, diskMib: 2000 });
    t.same(held(world), { vcpus: 4, memoryMib: 1024, diskMib: 2000 });
    sees(world, vm, { ...bigger, memoryMib: 1024 });
    t.equal(operation.state, 'succeeded');
    t.notOk('sizeBefore' in vm);
    t.same(held(world), { vcpus: 4, memoryMib: 1024, diskMib: 2000 });
  });

  test(`a ${power} VM that shrinks holds what it had until its host has been seen to have done it`, async (t) => {
    const world = smallWorld('a');
    const vm = world.settled('vm', { ...bigger, power });
    const operation = order(world, vm, { vcpus: 1, memoryMib: 8192 });
    t.same(held(world), { vcpus: 4, memoryMib: 8192, diskMib: 2000 }, 'of each resource the larger');
    sees(world, vm, bigger, { generation: vm.generation - 1 });
    t.same(held(world), { vcpus: 4, memoryMib: 8192, diskMib: 2000 }, 'the host has not come to it');
    t.equal(operation.state, 'running');
    sees(world, vm, { vcpus: 1, memoryMib: 8192, diskMib: 2000 });
    t.same(held(world), { vcpus: 1, memoryMib: 8192, diskMib: 2000 });
    t.equal(operation.state, 'succeeded');
  });
}

test('what waits for a stop and a start is held in both sizes, and said so, after the operation is done', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger });
  const operation = order(world, vm, { vcpus: 8, memoryMib: 1024, diskMib: 3000 });
  t.notOk(waitsForRestart(vm), 'not known yet');
  sees(world, vm, { vcpus: 8, memoryMib: 4096, diskMib: 3000 });
  t.equal(operation.state, 'succeeded');
  t.ok(waitsForRestart(vm));
  t.match(vm.sizeBefore, { vcpus: 8, memoryMib: 4096, diskMib: 3000 });
  t.same(held(world), { vcpus: 8, memoryMib: 4096, diskMib: 3000 });
  const { sequence } = world.state;
  sees(world, vm, { vcpus: 8, memoryMib: 4096, diskMib: 3000 });
  t.equal(world.state.sequence, sequence, 'said again, it writes nothing');
  world.stop(vm);
  t.same(held(world), { vcpus: 8, memoryMib: 4096, diskMib: 3000 }, 'it may run on for a while');
  sees(world, vm, { vcpus: 8, memoryMib: 1024, diskMib: 3000 });
  t.notOk('sizeBefore' in vm);
  t.same(held(world), { vcpus: 8, memoryMib: 1024, diskMib: 3000 });
});

test('a guest that restarts on its own after a crash has the new size, and frees the old one', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger });
  order(world, vm, { memoryMib: 1024 });
  sees(world, vm, bigger);
  world.see(vm, 'crashed', { size: { ...bigger, memoryMib: 1024 } });
  t.same(held(world), { ...bigger, memoryMib: 1024 });
});

test('an agent that does not say sizes has all of it when it has reached the generation', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger });
  order(world, vm, { memoryMib: 1024 });
  world.see(vm, 'running', { generation: vm.generation - 1 });
  t.same(held(world), bigger);
  world.see(vm, 'unknown');
  t.same(held(world), bigger, 'its libvirt does not answer: nothing is concluded');
  world.see(vm, 'running');
  t.same(held(world), { ...bigger, memoryMib: 1024 });
});

test('a further resize while one waits for a restart holds the largest of the three', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { vcpus: 2 });
  order(world, vm, { vcpus: 6 });
  sees(world, vm, { ...plain, vcpus: 2 });
  order(world, vm, { vcpus: 4 });
  t.equal(held(world).vcpus, 6, 'it may have been restarted before its host heard of the third');
  sees(world, vm, { ...plain, vcpus: 2 });
  t.equal(held(world).vcpus, 4);
  t.match(vm.sizeBefore, { vcpus: 2 });
  const third = order(world, vm, { vcpus: 2 });
  sees(world, vm, { ...plain, vcpus: 2 });
  t.equal(third.state, 'succeeded');
  t.notOk('sizeBefore' in vm, 'back where it was, nothing waits any more');
  t.equal(held(world).vcpus, 2);
});

test('a resize to the size that it has changes nothing that is held', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const operation = order(world, vm, { vcpus: 1 });
  t.notOk('sizeBefore' in vm);
  sees(world, vm, plain);
  t.equal(operation.state, 'succeeded');
});

test('a resize that its host cannot do fails with the reason, and the VM is ordered back to what it was', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const operation = order(world, vm, { ...bigger });
  const generation = vm.generation - 1;
  const full = { code: 8, reason: 'HOST_ERROR', message: 'no space left' };
  sees(world, vm, plain, { generation, toldGeneration: generation, fault: full });
  t.equal(operation.state, 'running', 'said before the host had heard of the resize');
  sees(world, vm, plain, { generation, fault: { ...full, code: 13 } });
  t.equal(operation.state, 'running', 'what may succeed later is tried again');
  sees(world, vm, plain, { generation, fault: full });
  t.match(operation, { state: 'failed', fault: full });
  t.match(vm.spec, plain);
  t.equal(vm.generation, 3, 'an order like any other');
  t.same(held(world), bigger, 'the host may have done a part of it');
  sees(world, vm, { ...plain, diskMib: 2000 });
  t.match(vm.sizeBefore, { ...plain, diskMib: 2000 }, 'as it did: disks do not shrink');
  t.notOk(waitsForRestart(vm));
  t.same(held(world), { ...plain, diskMib: 2000 });
  t.match(world.refused(world.resizeOf(vm, { diskMib: 1500 })), {
    reason: 'DISK_SHRINKS',
    message: /2000 MiB/,
  });
  order(world, vm, { diskMib: 2000 });
  sees(world, vm, { ...plain, diskMib: 2000 });
  t.notOk('sizeBefore' in vm);
});

test('a fault after the size was reached is not about the resize', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const operation = order(world, vm, { vcpus: 2 });
  world.run({
    type: 'vm.update',
    vm: { uid: vm.uid },
    policy: { onGuestShutdown: 'restart', rebuildable: false },
    etag: '',
  });
  sees(world, vm, { ...plain, vcpus: 2 }, { generation: vm.generation - 1, fault: fault('OTHER') });
  t.equal(operation.state, 'running');
  t.equal(vm.spec.vcpus, 2);
});

test('a cancelled resize is an order back, and both sizes are held until that is done', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { power: 'stopped' });
  const operation = order(world, vm, { ...bigger });
  cancel(world, operation);
  t.equal(operation.state, 'cancelled');
  t.match(vm, { spec: plain, generation: 3, operation: null });
  t.same(held(world), bigger);
  sees(world, vm, { ...plain, diskMib: 0 });
  t.same(held(world), plain);
  t.notOk('sizeBefore' in vm);
});

test('a cancelled further resize returns to the size that was ordered before it', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  order(world, vm, { memoryMib: 2048 });
  sees(world, vm, plain);
  cancel(world, order(world, vm, { memoryMib: 4096 }));
  t.equal(vm.spec.memoryMib, 2048);
  t.equal(held(world).memoryMib, 4096);
  sees(world, vm, plain);
  t.equal(held(world).memoryMib, 2048);
  t.ok(waitsForRestart(vm));
});

test('a start ends the operation and not the resize: it is not turned back, and still held in both sizes', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger, power: 'stopped' });
  const operation = order(world, vm, { vcpus: 1, memoryMib: 1024 });
  const start = world.start(vm).operation;
  t.equal(operation.state, 'cancelled');
  t.match(vm.spec, { ...plain, diskMib: 2000 });
  t.same(held(world), bigger);
  sees(world, vm, { ...plain, diskMib: 2000 });
  t.equal(start.state, 'succeeded');
  t.same(held(world), { ...plain, diskMib: 2000 });
});

test('a start that came after a resize goes on in the size before, when its host cannot do the resize', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...plain, power: 'stopped' });
  order(world, vm, { ...bigger });
  const start = world.start(vm).operation;
  const full = { code: 8, reason: 'HOST_ERROR', message: 'no space left' };
  const { generation } = vm;
  world.see(vm, 'stopped', { generation: 1, toldGeneration: generation, fault: full, size: plain });
  t.match(vm.spec, plain);
  t.equal(start.state, 'running');
  t.equal(vm.generation, generation + 1);
  const { sequence } = world.state;
  world.see(vm, 'stopped', { generation: 1, toldGeneration: generation, fault: full, size: plain });
  t.equal(world.state.sequence, sequence, 'it is ordered back once');
  sees(world, vm, plain);
  t.equal(start.state, 'succeeded');
  t.same(held(world), plain);
});

test('a disk whose growth was never done may be ordered smaller again, down to what it had', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { power: 'stopped' });
  order(world, vm, { diskMib: 9000 });
  cancel(world, world.start(vm).operation);
  t.match(world.refused(world.resizeOf(vm, { diskMib: 999 })), {
    kind: 'invalid',
    reason: 'DISK_SHRINKS',
    violations: [{ field: 'disk_mib' }],
  });
  order(world, vm, { diskMib: 1000 });
  t.equal(held(world).diskMib, 9000);
  sees(world, vm, plain);
  t.equal(held(world).diskMib, 1000);
});

test('a deletion in the middle of a resize frees both sizes, once nothing is left', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const operation = order(world, vm, { ...bigger });
  world.delete(vm);
  t.equal(operation.state, 'cancelled');
  t.same(held(world), bigger);
  world.see(vm, 'absent');
  t.same(world.state.hostTable.claimed('a'), { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });
  t.same(world.state.claimOfAdministration('adm'), { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });
});

test('a VM that vanishes in the middle of a resize is made anew in the new size', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger });
  const operation = order(world, vm, { vcpus: 1 });
  world.see(vm, 'missing', { generation: 0 });
  t.match(operation, { state: 'failed', fault: { reason: 'MISSING' } });
  t.same(held(world), bigger);
  world.start(vm);
  t.same(held(world), bigger);
  sees(world, vm, { ...bigger, vcpus: 1 });
  t.same(held(world), { ...bigger, vcpus: 1 });
});

test('a VM that goes to another host leaves its old size behind', async (t) => {
  const world = smallWorld('a', 'b');
  const policy = { onGuestShutdown: 'stay_stopped', rebuildable: true } as const;
  const vm = world.settled('vm', { ...bigger, policy, power: 'stopped' });
  const before = vm.host as string;
  order(world, vm, { vcpus: 1 });
  world.see(vm, 'refused');
  t.not(vm.host, before);
  t.notOk('sizeBefore' in vm);
  t.equal(world.state.hostTable.claimed(before).vcpus, 0);
  t.equal(world.state.hostTable.claimed(vm.host as string).vcpus, 1);
});

test('room is asked for by what is held: growing back into what is held still needs none', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { vcpus: 60 });
  world.settled('other', { vcpus: 4 });
  order(world, vm, { vcpus: 10 });
  sees(world, vm, { ...plain, vcpus: 60 });
  t.match(world.refused(world.createOf([world.newVm('late', { vcpus: 20 })])), { reason: 'NO_HOST' });
  order(world, vm, { vcpus: 60 });
  sees(world, vm, { ...plain, vcpus: 60 });
  t.match(world.refused(world.resizeOf(vm, { vcpus: 61 })), {
    reason: 'NO_ROOM',
    message: /vCPUs: 1 more needed, 0 free/,
  });
});

test('a host that has shrunk below its claims does not keep a VM from shrinking', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { power: 'stopped', vcpus: 8 });
  world.hello('a', { capacity: { ...roomy, vcpus: 2 }, inventory: { architecture: 'x86_64', again: 1 } });
  order(world, vm, { vcpus: 4 });
  sees(world, vm, { ...plain, vcpus: 4 });
  t.equal(held(world).vcpus, 4);
});

test('a shared pool holds the larger disk too', async (t) => {
  const world = smallWorld('a');
  const pool = { id: 'p', site: 'zagreb', path: '/srv/p', hosts: ['a'], capacityMib: 2500 };
  world.run({ type: 'pool.create', ...pool });
  const vm = world.settled('vm', { pool: 'p', power: 'stopped' });
  cancel(world, order(world, vm, { diskMib: 2000 }));
  t.equal(world.state.poolClaimedMib.get('p'), 2000);
  t.match(world.refused(world.resizeOf(vm, { diskMib: 2501 })), { kind: 'exhausted' });
  order(world, vm, { diskMib: 2500 });
  t.equal(world.state.poolClaimedMib.get('p'), 2500);
});

test('what a recovered host has in another size than the journal knows is held in both', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  world.see(vm, 'running', { generation: 7, size: bigger });
  t.match(vm, { generation: 8, spec: plain });
  t.same(held(world), bigger);
  world.run({ type: 'recovery.end', site: 'zagreb' });
  sees(world, vm, { ...plain, memoryMib: 4096, diskMib: 2000 });
  t.same(held(world), { ...plain, memoryMib: 4096, diskMib: 2000 });
  t.ok(waitsForRestart(vm));
});

test('a VM with cells or hugepages changes vCPUs and memory only while it is stopped, its disk always', async (t) => {
  const world = smallWorld('a');
  const cells = [{ id: 0, cpus: 16, memoryMib: 8192, hugepages: [{ sizeKib: 2048, count: 4096 }] }];
  world.hello('a', { capacity: { ...roomy, cells }, inventory: { architecture: 'x86_64', again: 1 } });
  for (const [id, special] of Object.entries({
    bound: { numa: { cells: 1, dedicatedCpus: false } },
    own: { numa: { cells: 1, dedicatedCpus: true } },
    huge: { hugepageKib: 2048 },
  })) {
    const vm = world.settled(id, special);
    t.match(world.refused(world.resizeOf(vm, { vcpus: 2 })), {
      kind: 'precondition',
      reason: 'WRONG_STATE',
      message: /stop it first/,
    });
    t.equal(order(world, vm, { diskMib: 2000 }).state, 'running');
  }
});

test('cells, hugepages and dedicated CPUs are held in the larger size until the smaller one is seen', async (t) => {
  const world = smallWorld('a');
  const cells = [{ id: 0, cpus: 16, memoryMib: 8192, hugepages: [{ sizeKib: 2048, count: 4096 }] }];
  world.hello('a', { capacity: { ...roomy, cells }, inventory: { architecture: 'x86_64', again: 1 } });
  const numa = { cells: 1, dedicatedCpus: true };
  const vm = world.settled('vm', { vcpus: 6, memoryMib: 4096, hugepageKib: 2048, numa, power: 'stopped' });
  const claims = () => world.state.hostTable.claimsOnCells('a');
  order(world, vm, { vcpus: 2, memoryMib: 2048 });
  t.equal(claims()?.dedicatedCpus, 6);
  t.equal(claims()?.hugeMib.get(2048), 4096);
  sees(world, vm, { vcpus: 2, memoryMib: 2048, diskMib: 1000 });
  t.equal(claims()?.dedicatedCpus, 2);
  t.equal(claims()?.hugeMib.get(2048), 2048);
});

test('a scheduler that starts again in the middle of a resize holds what it held', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger });
  order(world, vm, { memoryMib: 1024 });
  t.same(portraitOf(replay(world.journal)), portraitOf(world.state));
  sees(world, vm, bigger);
  const again = replay(world.journal);
  t.same(portraitOf(again), portraitOf(world.state));
  t.equal(again.hostTable.claimed('a').memoryMib, 4096);
});

test('a journal of an older version says nothing of the size before, and is replayed as it was decided', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { ...bigger, power: 'stopped' });
  order(world, vm, { vcpus: 1 });
  const older = world.journal.map((line) => line.replace(/,"sizeBefore":\{[^}]*\{[^}]*\}\}/, ''));
  t.notMatch(older.at(-1), /sizeBefore/);
  const state = replay(older);
  t.equal(state.hostTable.claimed('a').vcpus, 1);
  t.notOk('sizeBefore' in (state.vms.get(vm.uid) as Vm));
});

test('a size that a restored journal has forgotten is held also when libvirt did not answer while that was found out', async (t) => {
  for (const memoryMib of [4096, 1024]) {
    const world = smallWorld('a');
    const vm = world.settled('vm', { memoryMib: 1024 });
    world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
    const forgotten = vm.generation + 2;
    world.see(vm, 'unknown', { generation: forgotten });
    t.match(vm, { generation: forgotten + 1, sizeBefore: { memoryMib: 1024 } }, 'what it has is not known');
    world.run({ type: 'recovery.end', site: 'zagreb' });
    world.hello('a');
    const size = { vcpus: vm.spec.vcpus, memoryMib, diskMib: vm.spec.diskMib };
    world.see(vm, 'running', { size });
    t.equal(vm.sizeBefore?.memoryMib, memoryMib === 1024 ? undefined : memoryMib);
    t.equal(world.state.hostTable.claimed('a').memoryMib, memoryMib);
  }
});
