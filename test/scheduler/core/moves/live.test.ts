import { test } from 'tap';
import { awaitedMessage, desiredMessage } from '../../../../scheduler/fleet/desired.js';
import type { Move } from '../../../../scheduler/core/model.js';
import { replay } from '../journal.js';
import { fault, smallWorld } from '../world.js';
import {
  arriving,
  fence,
  handingOver,
  lose,
  migrate,
  migrateOf,
  movingWorld,
  seeAtPeer,
  uriOf,
} from './moving-world.js';

test('a live move: the other host gets ready, the VM is handed over, and its owner changes', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const { state } = world;
  const { term } = vm;
  const operation = migrate(moving);
  t.match(vm, { host: 'a', move: { mode: 'live', phase: 'getting_ready', peer: 'b', term: term + 1 } });
  t.match(desiredMessage(state, vm), { role: 'VM_ROLE_RUN' }, 'it runs on meanwhile');
  t.match(awaitedMessage(state, vm, vm.move as Move), {
    role: 'VM_ROLE_RECEIVE',
    term: term + 1,
    peer: 'hosts/a',
    diskExists: true,
  });
  seeAtPeer(moving, 'awaited', { generation: vm.generation - 1 });
  t.equal(vm.move?.phase, 'getting_ready', 'an older word does not count');
  seeAtPeer(moving, 'awaited');
  t.equal(vm.move?.phase, 'handing_over');
  t.match(desiredMessage(state, vm), { role: 'VM_ROLE_SEND', term, peer: 'hosts/b', peerUri: uriOf('b') });
  world.see(vm, 'running', { generation: vm.generation - 1 });
  world.see(vm, 'absent');
  t.match(vm, { host: 'a' }, 'that it is gone here is not enough');
  seeAtPeer(moving, 'running');
  t.match(vm, { host: 'b', term: term + 1, state: 'running', desired: 'running' });
  t.equal(vm.move, undefined);
  t.match(desiredMessage(state, vm), { role: 'VM_ROLE_RUN', term: term + 1 });
  t.equal(state.hostTable.claimed('a').vms, 0);
  world.see(vm, 'running');
  t.match(operation, { state: 'succeeded' });
});

test('the two hosts may speak in either order', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  seeAtPeer(moving, 'preparing');
  seeAtPeer(moving, 'running');
  t.match(vm, { host: 'a' }, 'that it is there is not enough');
  const { sequence } = world.state;
  seeAtPeer(moving, 'running');
  t.equal(world.state.sequence, sequence, 'said again it writes nothing');
  world.see(vm, 'absent');
  t.match(vm, { host: 'b', state: 'running' });
});

test('what could not be handed over runs on where it is, and the other host hears that it does not come', async (t) => {
  const moving = handingOver();
  const { world, vm, operation } = moving;
  const { term = 0 } = vm.move as Move;
  const said = { fault: fault('WIRE'), generation: vm.generation - 1 };
  world.see(vm, 'running', { ...said, toldGeneration: vm.generation - 1 });
  t.ok(vm.move, 'an error about an older word is not about the move');
  world.see(vm, 'running', { ...said, toldGeneration: vm.generation });
  t.match(vm, { host: 'a', state: 'running', leftOn: ['b'] });
  t.equal(vm.move, undefined);
  t.match(operation, {
    state: 'failed',
    fault: { reason: 'WIRE', message: /it runs on a: because of WIRE/ },
  });
  t.match(world.state.hosts.get('b')?.leftovers, [{ uid: vm.uid, term, keepVolumes: true }]);
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RUN' });
  world.see(vm, 'absent', { term }, 'b');
  t.equal(vm.leftOn, undefined);
});

test('no term is given twice', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  const { term = 0 } = vm.move as Move;
  world.see(vm, 'running', { fault: fault('WIRE'), toldGeneration: vm.generation });
  world.see(vm, 'absent', { term }, 'b');
  world.see(vm, 'running');
  world.run(migrateOf(world, vm, 'live'));
  t.equal(vm.move?.term, term + 1);
  seeAtPeer(moving, 'awaited');
  world.see(vm, 'absent');
  seeAtPeer(moving, 'running');
  t.equal(vm.term, term + 1);
  t.equal(vm.lastTerm, undefined);
});

test('refused by the other host it runs on', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const operation = migrate(moving, 'live');
  seeAtPeer(moving, 'refused', { fault: fault('NO_POOL') });
  t.match(vm, { host: 'a', state: 'running' });
  t.match(operation, { state: 'failed', fault: { message: /b refused it: because of NO_POOL; it is on a/ } });
  t.equal(world.state.hostTable.claimed('b').vms, 0);
});

test('a guest that shuts down on the way stays where it is', async (t) => {
  for (const phase of ['getting_ready', 'handing_over'] as const) {
    const moving = phase === 'handing_over' ? handingOver() : movingWorld();
    const { world, vm } = moving;
    if (phase === 'getting_ready') migrate(moving, 'live');
    const { operation } = vm;
    world.see(vm, 'guest_shutdown');
    t.match(vm, { host: 'a', state: 'stopped', desired: 'stopped', operation: null });
    t.equal(vm.move, undefined);
    t.match(world.state.operations.get(operation ?? ''), { state: 'failed' });
    t.equal(world.state.moving.vms.size, 0);
  }
});

test('O2: a host is told what it was seen to have, and what it may have handed over', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const told = () => desiredMessage(world.state, vm);
  t.match(told(), { role: 'VM_ROLE_RUN', defined: true });
  migrate(moving);
  t.match(
    awaitedMessage(world.state, vm, vm.move as Move),
    { defined: false },
    'the other one has nothing yet',
  );
  seeAtPeer(moving, 'awaited');
  t.match(told(), { role: 'VM_ROLE_SEND', defined: true, handedOver: true });
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'it took too long' });
  t.match(told(), { role: 'VM_ROLE_RUN', defined: true, handedOver: true }, 'it may be there all the same');
  world.see(vm, 'absent');
  seeAtPeer(moving, 'awaited');
  t.match(vm, { host: 'b', state: 'placed' });
  t.match(told(), { role: 'VM_ROLE_RUN', defined: false }, 'under its new term nobody has had it');
});

test('O2: what a host may have had under another term is not what it was seen to have', async (t) => {
  const world = smallWorld('a', 'b');
  const policy = { onGuestShutdown: 'stay_stopped', rebuildable: true, onHostLoss: 'restart' } as const;
  const vm = world.vm('vm', { policy });
  const isDefined = () => desiredMessage(world.state, vm).defined;
  t.notOk(isDefined());
  world.see(vm, 'unknown', { generation: 0 });
  t.notOk(isDefined(), 'nothing is known');
  world.see(vm, 'running', { generation: 0 });
  t.ok(isDefined(), 'also before its generation is reached');
  world.see(vm, 'running');
  world.see(vm, 'unknown');
  t.ok(isDefined());
  const host = vm.host as string;
  lose(world, host);
  world.run({ type: 'host.fence_confirm', id: host, reason: 'seen' });
  world.run({ type: 'vm.evacuate', uid: vm.uid });
  t.not(vm.host, host);
  t.notOk(isDefined());
  world.see(vm, 'unknown', { generation: 0 });
  t.notOk(isDefined(), 'the other host has not been seen with it');
  world.see(vm, 'starting', { generation: 0 });
  t.ok(isDefined());
});

test('O5: a host whose agent knows nothing of a VM that it was to hand over is without it', async (t) => {
  for (const isCalledOff of [false, true]) {
    const moving = handingOver();
    const { world, vm } = moving;
    seeAtPeer(moving, 'running');
    if (isCalledOff) world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'it took too long' });
    world.see(vm, 'refused', { generation: vm.generation - 1, fault: fault('REFUSED') });
    t.match(vm, { host: 'a' }, 'an older word does not count');
    world.see(vm, 'refused', { fault: fault('REFUSED') });
    t.match(vm, { host: 'b', state: 'running', desired: 'running' });
  }
});

test('a pause as it is handed over is no trouble', async (t) => {
  const { world, vm } = handingOver();
  world.see(vm, 'paused', { generation: vm.generation - 1 });
  t.match(vm, { host: 'a', move: { phase: 'handing_over' } });
});

test('lost on the way, it starts from its disk on the host that should have it', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  const { term = 0 } = vm.move as Move;
  world.see(vm, 'absent');
  seeAtPeer(moving, 'awaited', { generation: vm.generation - 1 });
  t.match(vm, { host: 'a' }, 'what the other host said before that does not count');
  seeAtPeer(moving, 'awaited');
  t.match(vm, { host: 'b', state: 'placed', desired: 'running' });
  t.ok(vm.term > term, 'under a term of its own');
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RUN', diskExists: true });
});

test('its host fenced: it is where the other host says that it is, after the proof', async (t) => {
  for (const arrived of [true, false]) {
    const moving = handingOver({
      policy: { onGuestShutdown: 'stay_stopped', rebuildable: false, onHostLoss: 'restart' },
    });
    const { world, vm } = moving;
    const before = vm.generation;
    fence(world, 'a');
    t.notOk(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved, 'it may be with the other host');
    world.run({ type: 'vm.move_settle', uid: vm.uid });
    t.equal(vm.move?.phase, 'aborting');
    seeAtPeer(moving, 'awaited', { generation: before });
    t.ok(vm.move, 'what it said before the proof does not count');
    seeAtPeer(moving, arrived ? 'running' : 'awaited');
    if (arrived) {
      t.match(vm, { host: 'b', state: 'running', leftOn: ['a'] });
      continue;
    }
    t.match(vm, { host: 'a', leftOn: ['b'] });
    t.ok(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved);
    t.equal(vm.host, 'c', 'it restarts elsewhere');
  }
});

test('its host lost, whose watchdog proves that it has stopped there: it is where the other host says that it is', async (t) => {
  for (const arrived of [true, false]) {
    const moving = handingOver({
      policy: {
        onGuestShutdown: 'stay_stopped',
        rebuildable: false,
        onHostLoss: 'restart',
        onLeaseLoss: 'stop',
      },
    });
    const { world, vm } = moving;
    const watchdog = { armed: true, timeoutS: 30, problem: '' };
    const report = { libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [], watchdog };
    world.run({ type: 'host.report', id: 'a', report, inventory: null, capacity: null });
    lose(world, 'a');
    world.run({ type: 'host.stop_proven', id: 'a' });
    t.notOk(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved, 'it may be with the other host');
    world.run({ type: 'vm.move_settle', uid: vm.uid });
    t.equal(vm.move?.phase, 'aborting');
    seeAtPeer(moving, arrived ? 'running' : 'awaited');
    if (arrived) {
      t.match(vm, { host: 'b', state: 'running', leftOn: ['a'] });
      continue;
    }
    t.match(vm, { host: 'a', leftOn: ['b'] });
    t.ok(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved);
    t.equal(vm.host, 'c', 'it restarts elsewhere');
  }
});

test('seen on the other host and its own fenced: it is there, and its own has to let go of it', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  seeAtPeer(moving, 'running');
  fence(world, 'a');
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { host: 'b', state: 'running', leftOn: ['a'] });
});

test('the host to which it has moved is fenced before it is settled there: the move has failed, wherever it restarts', async (t) => {
  for (const begin of [handingOver, arriving]) {
    const policy = { onGuestShutdown: 'stay_stopped', rebuildable: false, onHostLoss: 'restart' } as const;
    const moving = begin({ policy });
    const { world, vm, operation } = moving;
    if (begin === handingOver) {
      world.see(vm, 'absent');
      seeAtPeer(moving, 'running');
    }
    t.match(vm, { host: 'b', operation: operation.id });
    fence(world, 'b');
    t.ok(world.run({ type: 'vm.evacuate', uid: vm.uid }).moved);
    t.match(operation, {
      state: 'failed',
      fault: { reason: 'HOST_GONE', message: 'it had got to b, which is off: it restarts elsewhere' },
    });
    world.see(vm, 'running');
    t.match(vm, { state: 'running', desired: 'running', operation: null });
    t.not(vm.host, 'b');
  }
});

test('the other host fenced when its own is without it: it starts from its disk where it can', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  const { term = 0 } = vm.move as Move;
  world.see(vm, 'absent');
  fence(world, 'b');
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { state: 'placed', leftOn: ['b'] });
  t.not(vm.host, 'b');
  t.ok(vm.term > term);
});

test('its own host fenced, and the other without it: it goes on there under a term that is above both', async (t) => {
  for (const peerToo of [false, true]) {
    const moving = handingOver();
    const { world, vm } = moving;
    const { term = 0 } = vm.move as Move;
    fence(world, 'a');
    if (peerToo) fence(world, 'b');
    world.run({ type: 'vm.move_settle', uid: vm.uid });
    if (!peerToo) seeAtPeer(moving, 'awaited', { generation: vm.generation });
    t.equal(vm.move, undefined);
    t.match(vm, { host: 'a', term: term + 1 }, 'its agent would start it under no word of the old one');
    t.match(world.state.hosts.get('b')?.leftovers, [{ uid: vm.uid, term }]);
  }
});

test('its own host fenced before anything was handed over: its term goes on', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  migrate(moving, 'live');
  const { term } = vm;
  fence(world, 'a');
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { host: 'a', term, move: undefined });
});

test('the other host lost before it is ready: it runs on', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  const operation = migrate(moving, 'live');
  lose(world, 'b');
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(operation, { state: 'failed', fault: { reason: 'HOST_GONE' } });
  t.match(vm, { host: 'a', state: 'running' });
});

test('one that takes too long is called off, and ends when it is known where it is', async (t) => {
  const moving = handingOver();
  const { world, vm, operation } = moving;
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'too slow' });
  t.equal(vm.move?.phase, 'aborting');
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RUN' });
  world.see(vm, 'running', { generation: vm.generation - 1 });
  t.ok(vm.move);
  world.see(vm, 'running');
  t.equal(vm.move, undefined);
  t.match(operation, {
    state: 'failed',
    fault: { reason: 'MOVE_TIMED_OUT', message: /it runs on a: too slow/ },
  });
});

test('called off too late it is with the other host', async (t) => {
  const moving = handingOver();
  const { world, vm, operation } = moving;
  world.run({ type: 'operation.cancel', id: operation.id });
  t.match(operation, { state: 'cancelled' });
  world.see(vm, 'missing');
  t.match(vm, { host: 'a' });
  seeAtPeer(moving, 'running');
  t.match(vm, { host: 'b', state: 'running' });
});

test('a host that says that it is missing has its domain perhaps, and is to take that away', async (t) => {
  for (const [peer, host] of [
    ['running', 'b'],
    ['awaited', 'b'],
    ['refused', 'c'],
  ] as const) {
    const moving = handingOver();
    const { world, vm } = moving;
    world.see(vm, 'missing');
    world.run({ type: 'host.cordon', id: 'b', cordoned: host !== 'b' });
    seeAtPeer(moving, peer);
    t.match(vm, { host, leftOn: ['a'] }, `the other says ${peer}`);
    t.match(world.state.hosts.get('a')?.leftovers, [{ uid: vm.uid, term: vm.term, keepVolumes: true }]);
    t.same(replay(world.journal).hosts.get('a')?.leftovers, world.state.hosts.get('a')?.leftovers);
  }
  const arrived = handingOver();
  seeAtPeer(arrived, 'running');
  arrived.world.see(arrived.vm, 'missing');
  t.match(arrived.vm, { host: 'b', leftOn: ['a'] });
  const gone = handingOver();
  seeAtPeer(gone, 'running');
  gone.world.see(gone.vm, 'absent');
  t.match(gone.vm, { host: 'b', leftOn: undefined }, 'nothing is left where it says so');
});

test('what cannot be handed over is refused, and how it can move is said', async (t) => {
  const { world, vm } = movingWorld();
  const resized = world.settled('resized', { pool: 'san' });
  world.run(world.resizeOf(resized, { vcpus: 2 }));
  world.see(resized, 'running', { size: { vcpus: 1, memoryMib: 1024, diskMib: 1000 } });
  t.match(world.refused(migrateOf(world, resized)), { message: /not its new size yet/ });
  world.hello('b', { inventory: { architecture: 'x86_64' } });
  t.match(world.refused(migrateOf(world, vm, null)), { reason: 'LIVE_NOT_POSSIBLE', message: /--cold/ });
  world.run(migrateOf(world, vm, null, null));
  t.equal(vm.move?.peer, 'c', 'a host that takes running VMs is found');
  world.run({ type: 'operation.cancel', id: vm.operation ?? '' });
  world.see(vm, 'running');
  world.hello('a', { inventory: { architecture: 'x86_64' } });
  t.match(world.refused(migrateOf(world, vm, 'live', 'c')), { message: /agent of a has no migration\.uri/ });
  world.see(vm, 'running');
  world.stop(vm);
  world.see(vm, 'stopped');
  t.match(world.refused(migrateOf(world, vm, 'live', 'c')), { reason: 'WRONG_STATE' });
});

test('a host that waits for a VM of a move that is forgotten hears that it does not come', async (t) => {
  const { world, vm } = movingWorld();
  world.see(vm, 'awaited', { term: vm.term + 4 }, 'b');
  t.match(vm, { host: 'a', leftOn: ['b'], lastTerm: vm.term + 4 });
  const { term } = vm;
  world.see(vm, 'absent', { term: term + 4, generation: vm.generation + 9 }, 'b');
  t.equal(vm.leftOn, undefined);
  world.run(migrateOf(world, vm, 'live'));
  t.equal(vm.move?.term, term + 5);
});

test('it hears that under the term of that move, also when something of the VM was left there before', async (t) => {
  const { world, vm } = movingWorld();
  const left = () => world.state.hosts.get('b')?.leftovers?.[0];
  world.see(vm, 'awaited', { term: vm.term + 1, generation: 5 }, 'b');
  world.see(vm, 'awaited', { term: vm.term + 4, generation: 9 }, 'b');
  t.match(left(), { uid: vm.uid, term: vm.term + 4, generation: 10 }, 'or it would take no word of it');
  t.match(vm, { leftOn: ['b'], lastTerm: vm.term + 4 });
  const { sequence } = world.state;
  world.see(vm, 'awaited', { term: vm.term + 4, generation: 9 }, 'b');
  t.equal(world.state.sequence, sequence, 'said again it writes nothing');
  world.see(vm, 'absent', { term: vm.term + 4, generation: 10 }, 'b');
  t.equal(left(), undefined);
});

test('a move of a journal that was restored in the middle of it ends, whatever has become of the VM since', async (t) => {
  for (const first of ['owner', 'peer'] as const) {
    const moving = handingOver();
    const { world, vm } = moving;
    const { term = 0 } = vm.move as Move;
    const ahead = { generation: vm.generation + 4 };
    const words = {
      owner: () => world.see(vm, 'absent', { ...ahead, term: 1 }, 'a'),
      peer: () => world.see(vm, 'absent', { ...ahead, term }, 'b'),
    };
    words[first]();
    const { sequence } = world.state;
    words[first]();
    t.equal(world.state.sequence, sequence, 'said again it writes nothing');
    t.equal(vm.host, 'a');
    words[first === 'owner' ? 'peer' : 'owner']();
    t.match(vm, { state: 'placed', move: undefined });
    t.ok(vm.term > term, 'it begins anew where neither knows the term');
  }
});

test('a move that was called off ends when its host says that the guest is there, although it is paused', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  world.see(vm, 'paused');
  t.equal(vm.move?.phase, 'handing_over', 'it may run again, and be handed over');
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'too slow' });
  world.see(vm, 'paused', { generation: vm.generation - 1 });
  t.equal(vm.move?.phase, 'aborting', 'that is of the time before');
  const operation = world.state.operations.get(vm.operation ?? '');
  world.see(vm, 'paused');
  t.match(vm, { host: 'a', state: 'paused', move: undefined, leftOn: ['b'] });
  t.match(operation?.fault, { message: 'it is paused on a: too slow' });
});

test('what a host that was switched off says of the time before ends no move', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'too slow' });
  world.see(vm, 'stopped', { generation: vm.generation - 2 });
  t.equal(vm.move?.phase, 'aborting', 'it may be with the other host');
  world.see(vm, 'missing');
  seeAtPeer(moving, 'running');
  t.match(vm, { host: 'b', state: 'running' });
});

test('its host without it, and both proven to be off: it starts where it can, or waits', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  world.see(vm, 'absent');
  world.run({ type: 'host.cordon', id: 'c', cordoned: true });
  for (const host of ['a', 'b']) fence(world, host);
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { host: 'a', move: { left: true } }, 'there is no other');
  world.run({ type: 'host.cordon', id: 'c', cordoned: false });
  world.run({ type: 'vm.move_settle', uid: vm.uid });
  t.match(vm, { host: 'c', state: 'placed', leftOn: ['a', 'b'], move: undefined });
});

test('in recovery the host that gets ready for a VM is not taken for its owner', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  const { term = 0 } = vm.move as Move;
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'restored' });
  for (const state of ['preparing', 'unknown', 'awaited', 'absent'] as const) {
    world.see(vm, state, { term }, 'b');
    t.equal(vm.host, 'a', state);
  }
  world.see(vm, 'running', { term }, 'b');
  t.equal(vm.host, 'b');
});

test('paused where it was, and on the other host: what is paused is taken away, and the other one has it', async (t) => {
  for (const pausedFirst of [true, false]) {
    const moving = handingOver();
    const { world, vm, operation } = moving;
    const { term } = vm;
    const pause = () => world.see(vm, 'paused', { generation: vm.generation - 1 });
    if (pausedFirst) pause();
    seeAtPeer(moving, 'running');
    if (!pausedFirst) pause();
    t.match(vm, { host: 'a', move: { phase: 'clearing', arrived: true } });
    t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RELEASED', term, stopMode: 'STOP_MODE_FORCE' });
    const { sequence } = world.state;
    for (const state of ['paused', 'stopping'] as const) world.see(vm, state);
    seeAtPeer(moving, 'running');
    t.equal(world.state.sequence, sequence, 'until it is gone there is nothing to decide');
    const cancelled = world.try({ type: 'operation.cancel', id: operation.id });
    t.match(cancelled, { refusal: { reason: 'NOT_CANCELLABLE' } });
    world.see(vm, 'absent');
    t.match(vm, { host: 'b', term: term + 1, state: 'running', move: undefined });
    world.see(vm, 'running');
    t.match(operation, { state: 'succeeded' });
  }
});

test('what runs on both hosts since the first could not tell that it had gone over ends on the first', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  seeAtPeer(moving, 'running');
  world.see(vm, 'running', { fault: fault('WIRE'), toldGeneration: vm.generation - 1 });
  t.equal(vm.move?.phase, 'handing_over', 'an error about an older word is not about the move');
  world.see(vm, 'running', { fault: fault('WIRE'), toldGeneration: vm.generation });
  t.match(vm.move, { phase: 'clearing' });
});

const paused = ({ world, vm }: ReturnType<typeof handingOver>, reason: string | null = 'STILL') =>
  world.see(vm, 'paused', {
    generation: 1,
    toldGeneration: vm.generation,
    fault: reason === null ? null : fault(reason),
  });

const advice = { fault: { reason: 'PAUSED_BY_MOVE', message: /paused on a, and not on b: .*--force/ } };

test('paused where it was, and not on the other host: the move ends, and says what to do', async (t) => {
  for (const between of ['nothing', 'unknown'] as const) {
    const moving = handingOver();
    const { world, vm, operation } = moving;
    paused(moving, null);
    t.equal(vm.move?.phase, 'handing_over', 'an error of its disk has paused it, and it may go on');
    paused(moving);
    t.equal(vm.move?.phase, 'aborting', 'its hand-over has ended, and nobody knows how');
    const { generation } = vm;
    seeAtPeer(moving, 'awaited');
    t.ok(vm.move, 'that may be of the time before');
    paused(moving);
    t.equal(
      vm.generation,
      generation + 1,
      'the other host is asked again, now that nothing can arrive any more',
    );
    seeAtPeer(moving, 'awaited', { generation });
    paused(moving);
    t.match(vm, { generation: generation + 1, move: { phase: 'aborting' } }, 'an older word does not count');
    if (between === 'unknown') world.see(vm, 'unknown', { generation: 1 });
    seeAtPeer(moving, 'awaited');
    if (between === 'unknown') paused(moving);
    t.match(vm, { host: 'a', state: 'paused', move: undefined, leftOn: ['b'] }, between);
    t.match(operation, { state: 'failed', ...advice });
  }
});

test('paused where it was, and the other host without it for good, or proven to be off', async (t) => {
  const without = handingOver();
  paused(without, null);
  seeAtPeer(without, 'absent');
  t.match(without.vm, { host: 'a', state: 'paused', move: undefined, leftOn: ['b'] });
  t.match(without.operation, { state: 'failed', ...advice });

  const moving = handingOver();
  const { world, vm, operation } = moving;
  const settle = () => world.run({ type: 'vm.move_settle', uid: vm.uid });
  paused(moving, null);
  fence(world, 'b');
  settle();
  t.match(vm.move, { phase: 'aborting' }, 'its host may have handed it over since');
  settle();
  t.ok(vm.move);
  paused(moving);
  settle();
  t.match(vm, { host: 'a', state: 'paused', move: undefined });
  t.match(operation, { state: 'failed', ...advice });
});

test('what runs on both hosts although the move was called off ends on the first', async (t) => {
  const moving = handingOver();
  const { world, vm, operation } = moving;
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'too slow' });
  seeAtPeer(moving, 'running');
  world.see(vm, 'running', { generation: vm.generation - 1 });
  t.equal(vm.move?.phase, 'aborting', 'that is of the time before');
  world.see(vm, 'running');
  t.equal(vm.move?.phase, 'clearing');
  world.see(vm, 'absent');
  t.match(vm, { host: 'b', state: 'running', move: undefined });
  world.see(vm, 'running');
  t.match(operation, { state: 'succeeded' });
});

test('called off, and its host proven to be off since: the other host is asked once more', async (t) => {
  const moving = handingOver();
  const { world, vm } = moving;
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'too slow' });
  seeAtPeer(moving, 'awaited');
  fence(world, 'a');
  const { generation } = vm;
  const settle = () => world.run({ type: 'vm.move_settle', uid: vm.uid });
  settle();
  t.equal(vm.generation, generation + 1);
  settle();
  t.equal(vm.generation, generation + 1, 'and not again and again');
  seeAtPeer(moving, 'awaited');
  t.equal(vm.move, undefined, 'nobody has it');
});
