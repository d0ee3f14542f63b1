import { test } from 'tap';
import { endedOperationsKept } from '../../../scheduler/core/apply-operation.js';
import type { Operation } from '../../../scheduler/core/model.js';
import { smallWorld, type World } from './world.js';

const freeVcpusOf = ({ state }: World) => state.hostTable.freeVcpus[state.hostTable.row('a') as number];
const cancel = (operation: Operation) => ({ type: 'operation.cancel', id: operation.id }) as const;

test('cancelling what is not there or has ended is refused', async (t) => {
  const world = smallWorld('a');
  t.match(world.refused({ type: 'operation.cancel', id: 'none' }), {
    kind: 'not_found',
    reason: 'OPERATION_NOT_FOUND',
  });
  const { vms, operation } = world.create(world.newVm('vm'));
  world.see(vms[0] as (typeof vms)[0], 'running');
  t.match(world.refused(cancel(operation)), {
    kind: 'precondition',
    reason: 'OPERATION_ENDED',
    metadata: { state: 'succeeded' },
  });
});

test('a deletion cannot be cancelled', async (t) => {
  const world = smallWorld('a');
  const { operation } = world.delete(world.settled('vm'));
  t.match(world.refused(cancel(operation)), { kind: 'precondition', reason: 'NOT_CANCELLABLE' });
});

test('cancelling a creation deletes what does not run yet, and leaves what does', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('one'), world.newVm('two'), world.newVm('three'));
  const [one, two, three] = vms as [(typeof vms)[0], (typeof vms)[0], (typeof vms)[0]];
  world.see(one, 'running');
  world.see(two, 'starting', { generation: 0 });
  t.match(world.run(cancel(operation)), { state: 'cancelled', fault: { code: 1, reason: 'CANCELLED' } });
  t.match(one, { desired: 'running', generation: 1 });
  for (const vm of [two, three]) t.match(vm, { desired: 'deleted', generation: 2, operation: null });
  world.see(two, 'absent');
  t.notOk(world.state.vms.has(two.uid));
  t.equal(operation.state, 'cancelled', 'what comes later does not change how it ended');
});

test('cancelling a start stops, cancelling a stop goes on running, each only if it has not happened yet', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.run(cancel(world.stop(vm).operation));
  t.match(vm, { desired: 'running', generation: 3, operation: null });
  const stop = world.stop(vm).operation;
  world.see(vm, 'stopping', { generation: 3 });
  world.run(cancel(stop));
  t.match(vm, { desired: 'stopped', generation: 4 }, 'a guest on its way down is not called back');
  world.see(vm, 'stopped');
  world.run(cancel(world.start(vm).operation));
  t.match(vm, { desired: 'stopped', generation: 6 });
});

test('cancelling a start does not stop what may have run all along', async (t) => {
  for (const state of ['unknown', 'crashed'] as const) {
    const world = smallWorld('a');
    const vm = world.settled('vm');
    world.see(vm, state);
    const { operation } = world.start(vm);
    t.match(world.run(cancel(operation)), { state: 'cancelled' });
    t.match(vm, { desired: 'running', operation: null }, state);
  }
});

test('cancelling a reboot leaves what was ordered', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.run(cancel(world.run(world.rebootOf(vm)).operation));
  t.match(vm, { rebootCount: 1, generation: 2, operation: null });
});

test('cancelling a creation on a site in recovery is refused: nothing is deleted there', async (t) => {
  const world = smallWorld('a');
  const { operation } = world.create(world.newVm('vm'));
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused(cancel(operation)), { kind: 'precondition', reason: 'SITE_RECOVERING' });
  t.equal(operation.state, 'running');
});

test('what takes too long ends as failed, and the order stands with all that it holds', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('one'), world.newVm('two'));
  const [one, two] = vms as [(typeof vms)[0], (typeof vms)[0]];
  const limitMs = 600_000;
  const timeOut = () => world.run({ type: 'operation.time_out', id: operation.id, limitMs });
  world.see(one, 'running');
  world.see(two, 'unknown', { generation: 0, fault: { code: 14, reason: 'HUNG', message: 'libvirt hangs' } });
  const { sequence } = world.state;
  world.nowMs += limitMs;
  timeOut();
  t.equal(world.state.sequence, sequence, 'not before its time');
  const free = freeVcpusOf(world);
  world.nowMs += 1;
  t.match(timeOut(), {
    state: 'failed',
    succeeded: 1,
    failed: 1,
    fault: {
      code: 4,
      reason: 'OPERATION_TIMED_OUT',
      message: /within 10 minutes.*libvirt hangs.*\(create\) stands/,
    },
  });
  t.match(two, { desired: 'running', generation: 1, operation: null, host: 'a' });
  t.equal(freeVcpusOf(world), free);
  timeOut();
  t.equal(world.state.sequence, sequence + 1, 'once');
  world.see(two, 'running');
  t.equal(two.state, 'running', 'it is carried out late');
  t.match(world.refused({ type: 'operation.time_out', id: 'none', limitMs }), {
    reason: 'OPERATION_NOT_FOUND',
  });
});

test('a stop has its grace besides, and after it another order may be given', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.run({ ...world.stopOf(vm), graceSeconds: 300 });
  const timeOut = () => world.run({ type: 'operation.time_out', id: operation.id, limitMs: 60_000 });
  world.nowMs += 360_000;
  t.equal(timeOut().state, 'running');
  world.nowMs += 1;
  t.equal(timeOut().state, 'failed');
  t.match(vm, { desired: 'stopped', state: 'running', operation: null });
  t.match(world.start(vm).operation, { verb: 'start', state: 'running' });
});

test('a deletion that took too long is ordered again, and ends when the VM is gone', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.delete(vm);
  world.nowMs += 3600_000;
  t.equal(world.run({ type: 'operation.time_out', id: operation.id, limitMs: 600_000 }).state, 'failed');
  t.equal(vm.desired, 'deleted');
  const { operation: again } = world.delete(vm);
  t.equal(again.state, 'running');
  world.see(vm, 'absent');
  t.equal(again.state, 'succeeded');
  t.notOk(world.state.vms.has(vm.uid));
});

test('a move that takes too long is called off, and a resize turned back, since no later order could be given', async (t) => {
  const world = smallWorld('a', 'b');
  const hosts = ['a', 'b'];
  world.run({ type: 'pool.create', id: 'nfs', site: 'zagreb', path: '/p', hosts, capacityMib: 100_000 });
  const vm = world.settled('vm', { pool: 'nfs' });
  const limitMs = 600_000;
  const timeOut = (id: string) => world.run({ type: 'operation.time_out', id, limitMs });
  const { operation: move } = world.run({
    type: 'vm.migrate',
    vm: { uid: vm.uid },
    host: null,
    mode: 'cold',
    graceSeconds: 3600,
    operation: world.draw('operation'),
    etag: '',
  });
  t.equal(vm.move?.phase, 'going_off');
  world.nowMs += limitMs + 3600_000;
  t.equal(timeOut(move.id).state, 'running', 'its guest had an hour');
  world.nowMs += 1;
  t.match(timeOut(move.id), { state: 'failed', fault: { message: /called off/ } });
  t.equal(vm.move, undefined);
  world.see(vm, 'running');
  const { operation: resize } = world.run(world.resizeOf(vm, { vcpus: 4 }));
  world.nowMs += limitMs + 60_001;
  t.equal(timeOut(resize.id).state, 'failed');
  t.match(vm, { spec: { vcpus: 1 }, operation: null });
  t.equal(vm.sizeBefore?.vcpus, 4, 'and what it may have is held until it is seen');
});

test('in a recovery nothing takes too long, and after it the time begins anew', async (t) => {
  const world = smallWorld('a');
  const { operation } = world.create(world.newVm('vm'));
  const timeOut = () => world.run({ type: 'operation.time_out', id: operation.id, limitMs: 600_000 }).state;
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  world.nowMs += 3600_000;
  t.equal(timeOut(), 'running');
  world.run({ type: 'recovery.end', site: 'zagreb' });
  t.equal(timeOut(), 'running');
  world.nowMs += 600_001;
  t.equal(timeOut(), 'failed');
});

test('ended operations are kept up to a limit, and the one that ended first is dropped first', async (t) => {
  const world = smallWorld('a');
  const early = world.create(world.newVm('early')).operation;
  const vm = world.settled('vm', { power: 'stopped' });
  const first = world.state.endedOperations.peek() as string;
  const orders = endedOperationsKept - 1;
  for (let order = 0; order < orders; order += 1) {
    if (order % 2 === 0) world.start(vm);
    else world.stop(vm);
  }
  t.equal(world.state.endedOperations.length, endedOperationsKept - 1, 'the newest is still running');
  world.stop(vm);
  t.ok(world.state.operations.has(first));
  world.start(vm);
  t.notOk(world.state.operations.has(first));
  t.equal(world.state.endedOperations.length, endedOperationsKept);
  t.ok(world.state.operations.has(early.id), 'one under way is never dropped, however old');
});

test('a leadership begins with a higher epoch and hosts that have to be heard again', async (t) => {
  const world = smallWorld('a', 'b');
  world.join('c', 'zagreb');
  world.run({ type: 'host.lapsed', id: 'b', reason: '' });
  world.run({ type: 'federation.open', instance: 'second', name: 'test', incarnation: 1 });
  t.same(world.state.federation.epoch, { incarnation: 1, counter: 2, instance: 'second' });
  const states = [...world.state.hosts.values()].map((host) => host.state);
  t.same(states, ['suspect', 'lost', 'joined']);
  world.run({ type: 'federation.open', instance: 'third', name: 'test', incarnation: 2 });
  t.same(world.state.federation.epoch, { incarnation: 2, counter: 1, instance: 'third' });
});
