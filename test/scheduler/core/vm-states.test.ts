import { test } from 'tap';
import { lastKnownState, type Order, orders, shownState } from '../../../scheduler/core/lifecycle/vm.js';
import type { HostState, Vm, VmState } from '../../../scheduler/core/model.js';
import { smallWorld, type World } from './world.js';

/** Leads a VM of a fresh world into a state, by what an agent would say. */
const paths: Record<VmState, (world: World, vm: Vm) => void> = {
  placed: () => {},
  preparing: (world, vm) => world.see(vm, 'preparing', { generation: 0 }),
  starting: (world, vm) => world.see(vm, 'starting', { generation: 0 }),
  running: (world, vm) => world.see(vm, 'running'),
  stopping: (world, vm) => world.see(vm, 'stopping', { generation: 0 }),
  stopped: (world, vm) => world.see(vm, 'stopped', { generation: 0 }),
  paused: (world, vm) => world.see(vm, 'paused'),
  crashed: (world, vm) => world.see(vm, 'crashed'),
  missing: (world, vm) => world.see(vm, 'missing'),
  failed: (world, vm) => world.see(vm, 'refused'),
  unknown: (world, vm) => world.see(vm, 'unknown'),
};

/** Which orders each state takes. */
const taken: Record<VmState, Order[]> = {
  placed: ['start', 'stop'],
  preparing: ['start', 'stop'],
  starting: ['start', 'stop'],
  running: ['start', 'stop', 'reboot', 'resize'],
  stopping: ['start', 'stop'],
  stopped: ['start', 'stop', 'resize'],
  paused: ['stop'],
  crashed: ['start', 'stop'],
  missing: ['start'],
  failed: ['start'],
  unknown: ['start', 'stop'],
};

function inState(state: VmState): { world: World; vm: Vm } {
  const world = smallWorld('a');
  const vm = world.vm('vm', { power: state === 'stopped' ? 'stopped' : 'running' });
  paths[state](world, vm);
  if (vm.operation !== null) world.run({ type: 'operation.cancel', id: vm.operation });
  if (vm.desired === 'deleted') {
    // Cancelling a creation deletes; here only the operation shall be out of the way.
    return inStateByStart(state);
  }
  return { world, vm };
}

/** The same state reached by a VM that has run before, and whose start is under way or over. */
function inStateByStart(state: VmState): { world: World; vm: Vm } {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  if (state === 'placed') {
    world.see(vm, 'missing');
    world.start(vm);
  } else paths[state](world, vm);
  return { world, vm };
}

const commands = {
  start: (world: World, vm: Vm) => world.startOf(vm),
  stop: (world: World, vm: Vm) => world.stopOf(vm),
  reboot: (world: World, vm: Vm) => world.rebootOf(vm),
  resize: (world: World, vm: Vm) => world.resizeOf(vm, { vcpus: 2 }),
};

for (const state of Object.keys(taken) as VmState[]) {
  test(`a VM that is ${state} takes the orders of the table, and refuses the others with its state`, async (t) => {
    t.plan(9);
    const { vm } = inState(state);
    t.equal(vm.state, state);
    for (const order of ['start', 'stop', 'reboot', 'resize'] as const) {
      const fresh = inState(state);
      const outcome = fresh.world.try<'vm.start' | 'vm.stop' | 'vm.reboot' | 'vm.resize'>(
        commands[order](fresh.world, fresh.vm),
      );
      const expected = taken[state].includes(order);
      t.equal(orders[state][order] === true, expected, `the table on ${order}`);
      if (expected) t.ok('reply' in outcome, `${order} is taken`);
      else t.match(outcome, { refusal: { kind: 'precondition', reason: 'WRONG_STATE' } }, order);
    }
  });

  test(`a VM that is ${state} can be deleted`, async (t) => {
    const { world, vm } = inState(state);
    t.match(world.delete(vm).operation, { verb: 'delete' });
    t.ok(vm.desired === 'deleted' || !world.state.vms.has(vm.uid));
  });
}

test('a VM that is being deleted takes no orders, and a second deletion is the first one', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.delete(vm);
  for (const order of ['start', 'stop', 'reboot', 'resize'] as const) {
    const outcome = world.try<'vm.start' | 'vm.stop' | 'vm.reboot' | 'vm.resize'>(commands[order](world, vm));
    t.match(outcome, { refusal: { kind: 'precondition', reason: 'BEING_DELETED' } }, order);
  }
  t.match(world.refused({ type: 'vm.update', vm: { uid: vm.uid }, title: 'x', etag: '' }), {
    reason: 'BEING_DELETED',
  });
  const { sequence } = world.state;
  t.equal(world.delete(vm).operation, operation);
  t.equal(world.state.sequence, sequence);
});

test('a silent host makes the state of its VMs unknown, and what was seen last stays known', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const fresh = world.vm('fresh');
  const shown: Record<HostState, string> = {
    joined: 'running',
    ready: 'running',
    suspect: 'unknown',
    lost: 'unknown',
    fenced: 'unknown',
    quarantined: 'unknown',
    retired: 'running',
  };
  for (const [host, state] of Object.entries(shown) as [HostState, string][]) {
    t.equal(shownState(vm, host), state, host);
    t.equal(shownState(fresh, host), 'placed', `nothing of it runs yet on a ${host} host`);
  }
  t.equal(lastKnownState(vm), 'running');
});

test('an order under way shows at once', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.stop(vm);
  t.equal(shownState(vm, 'ready'), 'stopping');
  world.see(vm, 'stopped');
  t.equal(shownState(vm, 'ready'), 'stopped');
  world.start(vm);
  t.equal(shownState(vm, 'ready'), 'starting');
  world.delete(vm);
  t.equal(shownState(vm, 'lost'), 'deleting');
});
