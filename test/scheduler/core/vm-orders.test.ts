import { test } from 'tap';
import { roomy, smallWorld } from './world.js';

test('a VM is found by uid and by name, and otherwise not at all', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const stop = world.stopOf(vm);
  t.equal(world.run({ ...stop, vm: { administration: 'adm', id: 'vm' } }).vm, vm);
  for (const ref of [{ uid: 'none' }, { administration: 'adm', id: 'none' }]) {
    for (const command of [
      { ...world.startOf(vm), vm: ref },
      { ...world.stopOf(vm), vm: ref },
      { ...world.rebootOf(vm), vm: ref },
      { ...world.resizeOf(vm, {}), vm: ref },
      { ...world.deleteOf(vm), vm: ref },
      { type: 'vm.update', vm: ref, etag: '' } as const,
    ]) {
      const outcome = world.try<typeof command.type>(command);
      t.match(outcome, { refusal: { kind: 'not_found', reason: 'VM_NOT_FOUND' } }, command.type);
    }
  }
});

test('a stale etag refuses every order', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const etag = '"1"';
  for (const command of [
    { ...world.startOf(vm), etag },
    { ...world.stopOf(vm), etag },
    { ...world.rebootOf(vm), etag },
    { ...world.resizeOf(vm, { vcpus: 2 }), etag },
    { ...world.deleteOf(vm), etag },
    { type: 'vm.update', vm: { uid: vm.uid }, etag } as const,
  ]) {
    const outcome = world.try<typeof command.type>(command);
    t.match(outcome, { refusal: { kind: 'aborted', reason: 'ETAG_MISMATCH' } }, command.type);
  }
  t.ok(world.start(vm, `"${vm.revision}"`));
});

test('a stop raises the generation, and is done when the agent has reached it', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.stop(vm);
  t.match(vm, { desired: 'stopped', generation: 2, stopMode: 'graceful', stopGraceSeconds: 60 });
  world.see(vm, 'stopped', { generation: 1 });
  t.equal(operation.state, 'running', 'stopped at an older generation is not the answer');
  world.see(vm, 'stopped');
  t.equal(operation.state, 'succeeded');
});

test('stopping twice is one stop, and stopping by force is another', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const gentle = world.stop(vm).operation;
  const { sequence } = world.state;
  t.equal(world.stop(vm).operation, gentle);
  t.equal(world.state.sequence, sequence);
  const force = world.stop(vm, 'force').operation;
  t.not(force, gentle);
  t.equal(gentle.state, 'cancelled');
  t.equal(vm.stopMode, 'force');
  t.equal(world.stop(vm, 'force').operation, force);
});

test('starting twice is one start', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { power: 'stopped' });
  const first = world.start(vm).operation;
  t.equal(world.start(vm).operation, first);
  t.equal(vm.generation, 2);
});

test('a start supersedes a stop that is under way, and says so in the cancelled operation', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const stop = world.stop(vm).operation;
  const start = world.start(vm).operation;
  t.match(stop, {
    state: 'cancelled',
    fault: { reason: 'CANCELLED', message: `superseded by operations/${start.id} (start)` },
  });
  t.match(vm, { desired: 'running', operation: start.id, generation: 3 });
  world.see(vm, 'running', { generation: 2 });
  t.equal(start.state, 'running');
  world.see(vm, 'running');
  t.equal(start.state, 'succeeded');
});

test('an order to one VM of a batch ends only its part of the batch', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('one'), world.newVm('two'));
  const [one, two] = vms as [(typeof vms)[0], (typeof vms)[0]];
  const stop = world.stop(one).operation;
  t.match(operation, { state: 'running', failed: 1, fault: { reason: 'SUPERSEDED' } });
  t.equal(two.operation, operation.id);
  world.see(two, 'running');
  t.match(operation, { state: 'failed', succeeded: 1, failed: 1 });
  world.see(one, 'stopped');
  t.equal(stop.state, 'succeeded');
});

test('a reboot is counted, and is done when the agent has counted it too', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.run(world.rebootOf(vm));
  t.match(vm, { rebootCount: 1, generation: 2, rebootMode: 'graceful' });
  world.see(vm, 'running', { rebootCount: 0 });
  t.equal(operation.state, 'running');
  world.see(vm, 'running', { rebootCount: 1 });
  t.equal(operation.state, 'succeeded');
});

test('a VM that is to stop is not rebooted, also when its stop has taken too long', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.run(world.stopOf(vm));
  world.nowMs += 3_600_000;
  world.run({ type: 'operation.time_out', id: operation.id, limitMs: 1 });
  t.match(vm, { desired: 'stopped', state: 'running', operation: null });
  t.match(world.refused(world.rebootOf(vm)), {
    kind: 'precondition',
    reason: 'WRONG_STATE',
    message: 'cannot reboot VM "vm": it is to stop; start it first',
  });
  world.run(world.startOf(vm));
  world.see(vm, 'running');
  t.equal(world.run(world.rebootOf(vm)).vm.rebootCount, 1);
});

test('a reboot or a resize waits for the operation under way', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.run(world.rebootOf(vm));
  t.match(world.refused(world.rebootOf(vm)), {
    kind: 'precondition',
    reason: 'OPERATION_UNDER_WAY',
    metadata: { operation: `operations/${operation.id}` },
  });
  for (const power of ['stopped', 'running'] as const) {
    const other = world.settled(power, { power });
    world.run(world.resizeOf(other, { vcpus: 2 }));
    t.match(world.refused(world.resizeOf(other, { vcpus: 3 })), { reason: 'OPERATION_UNDER_WAY' });
  }
});

test('a resize is refused when the host has no room for the difference', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { power: 'stopped', vcpus: 60 });
  world.settled('other', { vcpus: 4 });
  t.match(world.refused(world.resizeOf(vm, { vcpus: 61, memoryMib: 10 ** 6 })), {
    kind: 'exhausted',
    reason: 'NO_ROOM',
    message: /vCPUs: 1 more needed, 0 free; memory MiB/,
  });
  t.equal(world.state.hostTable.claimed('a').vcpus, 64);
});

test('a host that has shrunk below its claims does not keep a VM from shrinking', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { power: 'stopped', vcpus: 8 });
  world.hello('a', { capacity: { ...roomy, vcpus: 2 }, inventory: { architecture: 'x86_64', again: 1 } });
  world.run(world.resizeOf(vm, { vcpus: 4 }));
  t.equal(vm.spec.vcpus, 4);
});

test('an update changes what it names; only a new policy is a new generation', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const update = { type: 'vm.update', vm: { uid: vm.uid }, etag: '' } as const;
  world.run({ ...update, title: 'Title', labels: { a: 'b' }, deletionProtection: true });
  t.match(vm, { title: 'Title', labels: { a: 'b' }, deletionProtection: true, generation: 1 });
  const policy = { onGuestShutdown: 'restart', rebuildable: false } as const;
  world.run({ ...update, policy });
  t.match(vm, { title: 'Title', policy, generation: 2 });
  world.run({ ...update, policy: { ...policy } });
  t.equal(vm.generation, 2);
});

test('a protected VM is not deleted, neither by an order nor by cancelling its creation', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm', { deletionProtection: true });
  const isProtected = { kind: 'precondition', reason: 'DELETION_PROTECTED' };
  t.match(world.refused(world.deleteOf(vm)), isProtected);
  t.match(world.refused({ type: 'operation.cancel', id: vm.operation as string }), isProtected);
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, deletionProtection: false, etag: '' });
  t.equal(world.delete(vm).vm.desired, 'deleted');
});

test('a deletion takes nothing away before the agent says that nothing is left', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.delete(vm);
  t.equal(world.state.hostTable.claimed('a').vms, 1);
  world.see(vm, 'absent');
  t.equal(operation.state, 'succeeded');
  t.notOk(world.state.vms.has(vm.uid));
  t.equal(world.state.hostTable.claimed('a').vms, 0);
  t.equal(world.state.vmByName('adm', 'vm'), undefined);
  t.equal(world.vm('vm').id, 'vm', 'the name is free again');
});

test('a VM that no host has is deleted at once', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm');
  world.see(vm, 'refused');
  const { operation } = world.delete(vm);
  t.equal(operation.state, 'succeeded');
  t.notOk(world.state.vms.has(vm.uid));
});

test('a failed VM is placed again by a start, under a new term, and its old refusals are forgotten', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm');
  world.see(vm, 'refused');
  t.match(vm, { state: 'failed', host: null, term: 1, refusedBy: ['a'] });
  t.same(world.state.hostTable.claimed('a'), { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });
  const { operation } = world.start(vm);
  t.match(vm, { state: 'placed', host: 'a', term: 2, refusedBy: [], fault: null, desired: 'running' });
  world.see(vm, 'running');
  t.equal(operation.state, 'succeeded');
});

test('a failed VM stays failed when there is no host for it', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm');
  world.see(vm, 'refused');
  world.run({ type: 'host.cordon', id: 'a', cordoned: true });
  t.match(world.refused(world.startOf(vm)), { kind: 'exhausted', reason: 'NO_HOST' });
  t.match(vm, { state: 'failed', host: null, term: 1 });
});

test('a missing VM is made again on its host only by a start, under a new term', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm');
  const before = vm.host;
  world.see(vm, 'missing');
  t.match(vm, { state: 'missing', term: 1 });
  world.start(vm);
  t.match(vm, { state: 'placed', host: before, term: 2, desired: 'running' });
});
