import { test } from 'tap';
import { placementAttempts } from '../../../scheduler/core/decide-observation.js';
import { fault, smallWorld } from './world.js';

test('an observation under an older term or from another host is not believed', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.vm('vm');
  const other = vm.host === 'a' ? 'b' : 'a';
  const { sequence } = world.state;
  world.see(vm, 'running', { term: 0 });
  world.see(vm, 'running', {}, other);
  world.see(vm, 'refused', {}, other);
  t.equal(vm.state, 'placed');
  t.equal(world.state.sequence, sequence);
});

test('a generation that was never desired is of a journal that was lost: what is desired is said anew, above it', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm');
  const { operation } = vm;
  world.see(vm, 'running', { generation: 2, rebootCount: 3 });
  t.match(vm, { host: 'a', desired: 'running', term: 1, generation: 3, rebootCount: 3, operation });
  t.match(vm, { state: 'running', observedRebootCount: 3 }, 'what is seen counts, and answers nothing');
  world.see(vm, 'missing', { generation: 1, toldGeneration: 5, rebootCount: 3 });
  t.match(vm, { state: 'missing', generation: 6, operation }, 'also when the agent has only heard of it');
  world.see(vm, 'running', { generation: 6, toldGeneration: 6, rebootCount: 3 });
  t.match(vm, { state: 'running', generation: 6, operation: null });
  for (const state of ['refused', 'guest_shutdown', 'awaited'] as const) {
    const { generation } = vm;
    world.see(vm, state, { generation: generation + 1, rebootCount: 3 });
    t.match(vm, { state: 'running', desired: 'running', generation: generation + 2 }, state);
  }
  const { generation } = vm;
  world.see(vm, 'running', { toldGeneration: 2 ** 30, rebootCount: 3 });
  t.equal(vm.generation, generation, 'no journal was so far ahead');
});

test('a VM that has given up its room does not get it back by what its host has heard', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.stop(vm);
  world.see(vm, 'stopped');
  Object.assign(vm, { displacedFor: 'other' });
  world.see(vm, 'stopped', { toldGeneration: vm.generation + 4 });
  t.match(vm, { displacedFor: 'other', desired: 'stopped', generation: 7 });
});

test('an observation of a VM that is not known changes nothing', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { sequence } = world.state;
  world.see({ ...vm, uid: 'unknown' }, 'running');
  t.equal(world.state.sequence, sequence);
});

test('an observation that equals the state writes nothing', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm');
  for (const [state, seen] of [
    ['preparing', { generation: 0 }],
    ['starting', { generation: 0, fault: fault('SLOW') }],
    ['running', {}],
    ['paused', { fault: fault('IO_ERROR') }],
    ['missing', {}],
  ] as const) {
    world.see(vm, state, seen);
    const { sequence } = world.state;
    world.see(vm, state, seen);
    t.equal(world.state.sequence, sequence, state);
    t.equal(vm.state, state);
  }
});

test('progress is shown without ending the operation, and the fault of a try is kept until it works', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('vm'));
  const vm = vms[0] as (typeof vms)[0];
  world.see(vm, 'preparing', { generation: 0, fault: fault('FETCH_FAILED') });
  t.match(vm, { state: 'preparing', fault: { reason: 'FETCH_FAILED' }, observedGeneration: 0 });
  t.equal(operation.state, 'running');
  world.see(vm, 'running');
  t.match(vm, { state: 'running', fault: null, observedGeneration: 1 });
  t.equal(operation.state, 'succeeded');
});

test('the observed generation never goes back', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.stop(vm);
  world.see(vm, 'stopped');
  world.see(vm, 'stopped', { generation: 1 });
  t.equal(vm.observedGeneration, 2);
});

test('a refused VM goes to another host under the next term, and never back to one that refused it', async (t) => {
  const world = smallWorld('a', 'b', 'c', 'd');
  const { vms, operation } = world.create(world.newVm('vm'));
  const vm = vms[0] as (typeof vms)[0];
  const tried: string[] = [];
  while (vm.host !== null) {
    tried.push(vm.host);
    t.match(vm, { state: 'placed', term: tried.length, generation: tried.length });
    t.equal(operation.state, 'running');
    world.see(vm, 'refused', { fault: fault('NO_SPACE') });
  }
  t.equal(tried.length, placementAttempts);
  t.equal(new Set(tried).size, placementAttempts);
  t.match(vm, { state: 'failed', fault: { reason: 'NO_SPACE' }, refusedBy: tried });
  t.match(operation, { state: 'failed', failed: 1, fault: { reason: 'NO_SPACE' } });
  t.equal(world.state.claimOfAdministration('adm').vms, 0);
});

test('a VM whose only disk is on its host stays there when that refuses it, unless it may begin anew', async (t) => {
  for (const rebuildable of [false, true]) {
    const world = smallWorld('a', 'b');
    const vm = world.settled('vm', { policy: { onGuestShutdown: 'stay_stopped', rebuildable } });
    const { host } = vm;
    world.see(vm, 'missing');
    const { operation } = world.start(vm);
    world.see(vm, 'refused');
    if (rebuildable) {
      t.not(vm.host, host);
      continue;
    }
    t.match(vm, { host, term: 2, state: 'failed', desired: 'running' });
    t.equal(operation.state, 'failed');
    t.equal(world.state.hostTable.claimed(host as string).vms, 1, 'its room is kept with its disk');
    world.start(vm);
    t.match(vm, { host, term: 2, generation: 3 }, 'a start tries it there again');
    world.see(vm, 'running');
    t.equal(vm.state, 'running');
  }
});

test('a refusal moves the claim', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.vm('vm');
  const from = vm.host as string;
  world.see(vm, 'refused');
  t.equal(world.state.hostTable.claimed(from).vms, 0);
  t.equal(world.state.hostTable.claimed(vm.host as string).vms, 1);
  t.equal(world.state.claimOfAdministration('adm').vms, 1);
});

test('a refusal without a reason says so, and fails the creation when no other host is there', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('vm'));
  world.see(vms[0] as (typeof vms)[0], 'refused');
  t.match(operation, { state: 'failed', fault: { reason: 'REFUSED', message: 'the host gave no reason' } });
});

test('a refusal of an older generation frees nothing: the newer word may be obeyed under the same term', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.vm('vm');
  const host = vm.host;
  const refusal = world.observationOf(vm, 'refused');
  world.stop(vm);
  world.run({ type: 'host.observe', id: host as string, observation: refusal });
  t.match(vm, { host, term: 1, state: 'placed' });
  world.see(vm, 'refused');
  t.match(vm, { term: 2 });
  t.not(vm.host, host);
});

test('absent means gone only when the VM is to be deleted, and only as the answer to that', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const early = world.observationOf(vm, 'absent');
  world.delete(vm);
  world.run({ type: 'host.observe', id: 'a', observation: early });
  t.ok(world.state.vms.has(vm.uid), 'it was said before the deletion was heard of');
  world.see(vm, 'absent');
  t.notOk(world.state.vms.has(vm.uid));
});

test('a VM that its host deleted by a word of a journal that was lost is missing, and can be made anew', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.stop(vm);
  world.see(vm, 'absent', { generation: 7 });
  t.match(vm, { state: 'missing', desired: 'stopped', generation: 8, fault: { reason: 'DELETED_THERE' } });
  t.match(world.state.operations.get(operation.id), { state: 'failed', fault: { reason: 'DELETED_THERE' } });
  const { sequence } = world.state;
  world.see(vm, 'absent', { generation: 7 });
  t.equal(world.state.sequence, sequence, 'said again, it writes nothing');
  world.see(vm, 'absent', { generation: 9 });
  t.match(
    vm,
    { state: 'missing', generation: 10 },
    'after another restore the next word is a new one as well',
  );
  world.start(vm);
  t.match(vm, { host: 'a', term: 2, desired: 'running' }, 'under a new term');
});

test('a VM that is to be deleted and was deleted by a newer word of a lost journal is gone', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.delete(vm);
  world.see(vm, 'absent', { generation: 7 });
  t.notOk(world.state.vms.has(vm.uid));
});

test('a refused VM that is to be deleted is gone', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.vm('vm');
  const { operation } = world.delete(vm);
  world.see(vm, 'refused');
  t.notOk(world.state.vms.has(vm.uid));
  t.equal(operation.state, 'succeeded');
});

test('a guest that powers itself off is journalled as what is now desired', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.see(vm, 'guest_shutdown');
  t.match(vm, { desired: 'stopped', state: 'stopped', generation: 2, fault: null });
  const { sequence } = world.state;
  world.see(vm, 'guest_shutdown', { generation: 1 });
  t.equal(world.state.sequence, sequence, 'saying it again changes nothing');
  world.see(vm, 'stopped');
  t.equal(vm.observedGeneration, 2);
});

test('a guest that powers itself off while it is being started fails the start', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('vm'));
  world.see(vms[0] as (typeof vms)[0], 'guest_shutdown');
  t.match(operation, { state: 'failed', fault: { reason: 'GUEST_SHUTDOWN' } });
});

test('a guest whose policy restarts it stays desired as running', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm', { policy: { onGuestShutdown: 'restart', rebuildable: false } });
  world.see(vm, 'guest_shutdown');
  t.match(vm, { desired: 'running', state: 'starting', generation: 1 });
});

test('a guest that powers itself off under an older word does not undo the newer one', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.run(world.rebootOf(vm));
  world.see(vm, 'guest_shutdown', { generation: 1, rebootCount: 0 });
  t.match(vm, { desired: 'running', state: 'stopped', generation: 2 });
});

test('a guest that powers itself off while it is to be stopped or deleted is simply stopped', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.stop(vm);
  world.see(vm, 'guest_shutdown');
  t.match(vm, { desired: 'stopped', state: 'stopped', generation: 2 });
  t.equal(operation.state, 'succeeded');
  world.delete(vm);
  world.see(vm, 'guest_shutdown', { generation: 2 });
  t.equal(vm.desired, 'deleted');
});

test('a vanished domain is missing: it is reported, claimed on, and ends its operation', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm');
  const { operation } = world.run(world.rebootOf(vm));
  world.see(vm, 'missing', { rebootCount: 0 });
  t.match(vm, { state: 'missing', term: 1, desired: 'running' });
  t.match(operation, { state: 'failed', fault: { reason: 'MISSING' } });
  t.equal(world.state.hostTable.claimed(vm.host as string).vms, 1);
});

test('a crash or a pause is shown and leaves what is desired alone', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  for (const state of ['crashed', 'paused', 'unknown', 'running'] as const) {
    world.see(vm, state);
    t.match(vm, { state, desired: 'running', generation: 1 });
  }
});

test('a VM that had left a host after the backup, and that nobody has now, is missing and can be made anew', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const { operation } = world.stop(vm);
  world.see(vm, 'absent', { term: 3, generation: 7 });
  t.match(vm, { host: 'a', state: 'missing', term: 3, generation: 8, fault: { reason: 'DELETED_THERE' } });
  t.match(world.state.operations.get(operation.id), { state: 'failed' });
  const { sequence } = world.state;
  world.see(vm, 'absent', { term: 3, generation: 7 });
  t.equal(world.state.sequence, sequence, 'said again it writes nothing');
  world.start(vm);
  t.equal(vm.term, 4);
});

test('what its host has under a term that a restored journal has forgotten goes on from there', async (t) => {
  for (const state of ['running', 'stopped', 'refused', 'missing'] as const) {
    const world = smallWorld('a');
    const vm = world.settled('vm');
    world.see(vm, state, { term: 3, generation: 7 });
    t.match(
      vm,
      { host: 'a', term: 3, generation: 8, desired: 'running' },
      `${state}: the next word is newer`,
    );
    const { sequence } = world.state;
    world.see(vm, 'running', { term: 2, generation: 7 });
    t.equal(world.state.sequence, sequence, 'what is older by then is not believed');
    world.see(vm, 'running');
    t.match(vm, { state: 'running', observedGeneration: 8 });
  }
});

test('one that was to be deleted is gone then', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  world.delete(vm);
  world.see(vm, 'absent', { term: 3, generation: 7 });
  t.notOk(world.state.vms.has(vm.uid));
});

test('a host in quarantine frees nothing by its word: it may be a copy that never had the VM (E4)', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('vm');
  const deleted = world.settled('deleted');
  world.delete(deleted);
  world.run({ type: 'host.quarantine', id: 'a', reason: 'two machines' });
  const { sequence } = world.state;
  for (const state of ['absent', 'refused', 'missing'] as const) {
    for (const one of [vm, deleted]) world.see(one, state);
  }
  t.equal(world.state.sequence, sequence);
  world.see(vm, 'stopped');
  t.equal(vm.state, 'stopped', 'what takes nothing away is believed');
  world.see(vm, 'unknown', { term: vm.term + 1 });
  t.equal(
    vm.term,
    1,
    'and no word under a newer term is said, by which the other machine would make the VM anew',
  );
  world.run({ type: 'host.release', id: 'a' });
  world.hello('a');
  world.see(vm, 'unknown', { term: vm.term + 1 });
  t.match(vm, { term: 2, host: 'a' }, 'the right one has it');
  world.see(deleted, 'absent');
  t.notOk(world.state.vms.get(deleted.uid));
});
