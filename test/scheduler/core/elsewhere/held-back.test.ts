/** ONE COPY after a restore: what is found off under a newer term is kept off until its owner by the journal has let go (F1, E2). */
import { test } from 'tap';
import type { DomainState } from '../../../../scheduler/core/commands.js';
import type { Host, Vm } from '../../../../scheduler/core/model.js';
import { desiredMessage } from '../../../../scheduler/fleet/desired.js';
import { vmMessage } from '../../../../scheduler/render/vm.js';
import { alarmsOf, minuteMs } from '../alarms/alarms-of.js';
import { smallWorld, type World } from '../world.js';
import { handingOver } from '../moves/moving-world.js';

const rebuilt = { onGuestShutdown: 'stay_stopped', rebuildable: true } as const;
const restarts = { ...rebuilt, onHostLoss: 'restart' } as const;

/**
 * A restored journal has a VM on host `b`, which runs it; host `a`, of another site, is not back from before the restore, and has
 * the VM under term 3. Recovery was ended for the site of `b` alone.
 */
function restored(change: Parameters<World['settled']>[1] = {}) {
  const world = smallWorld('b');
  const vm = world.settled('vm', change);
  world.site('split');
  world.host('a', 'split');
  world.host('c', 'split');
  world.run({ type: 'recovery.enter', sites: ['split'], reason: 'a copy was restored' });
  const owner = world.state.hosts.get('b') as Host;
  const found = (seen: DomainState, host = 'a', term = 3) =>
    world.see(vm, seen, { term, generation: 2 }, host);
  const recovered = () => world.run({ type: 'recovery.end', site: 'split', force: true });
  const roleOf = (it: Vm = vm) => desiredMessage(world.state, it).role;
  const letsGo = () => world.see(vm, 'absent', { term: vm.term, generation: vm.generation }, 'b');
  const lose = () => {
    world.run({ type: 'host.disconnected', id: 'b', reason: 'a test' });
    world.run({ type: 'host.lapsed', id: 'b', reason: 'a test' });
  };
  const fence = () => {
    lose();
    world.run({ type: 'host.fence_confirm', id: 'b', reason: 'somebody has looked' });
  };
  return { world, vm, owner, found, recovered, roleOf, letsGo, lose, fence };
}

test('a VM that is found off is kept off until its owner by the journal says that nothing of it is left', async (t) => {
  const { world, vm, owner, found, recovered, roleOf, letsGo } = restored();
  found('stopped');
  t.match(vm, { host: 'a', term: 3, generation: 3, desired: 'running', heldBack: true });
  t.match(owner.leftovers, [{ uid: vm.uid, term: 3, generation: 3, mayRun: true, former: 'starts' }]);
  recovered();
  world.see(vm, 'stopped', { generation: 2 });
  t.equal(roleOf(), 'VM_ROLE_STOPPED');
  world.see(vm, 'stopped');
  t.match(vm, { state: 'stopped', desired: 'running', heldBack: true, observedGeneration: 3 });
  t.match(vmMessage(world.state, vm).error, { message: /^another host, which had it/ });
  t.match(world.refused(world.startOf(vm)), {
    reason: 'COPY_ELSEWHERE',
    message: /^host "b" had it by a journal that was restored.*secovia host retire b --destroyed/,
    confidential: [{ of: { kind: 'host', id: 'b' }, instead: /^another host had it by a journal/ }],
  });
  world.see(vm, 'running', { term: 1, generation: 1 }, 'b');
  t.ok(vm.heldBack, 'it runs there still');
  letsGo();
  t.equal(vm.heldBack, undefined);
  t.match(vm, { generation: 4, desired: 'running', leftOn: undefined });
  t.equal(roleOf(), 'VM_ROLE_RUN', 'which its host hears as a new version');
  world.see(vm, 'running');
  t.match(vm, { state: 'running', host: 'a' });
});

test('what runs where it is found goes on, and so does what is seen to run later', async (t) => {
  const runs = restored();
  runs.found('running');
  t.match(runs.vm, { host: 'a', heldBack: undefined });
  t.equal(runs.roleOf(), 'VM_ROLE_RUN');
  t.match(runs.owner.leftovers, [{ mayRun: true }], 'and does not go elsewhere before the other is gone');
  const later = restored();
  later.found('unknown');
  later.recovered();
  t.equal(later.roleOf(), 'VM_ROLE_STOPPED');
  const { generation } = later.vm;
  later.world.see(later.vm, 'running', { generation: 2 });
  t.match(later.vm, { heldBack: undefined, generation: generation + 1, state: 'running' });
  t.equal(later.roleOf(), 'VM_ROLE_RUN');
});

test('of an owner that waits for a word after a boot the proof that it is off is enough', async (t) => {
  const { world, vm, found, recovered, roleOf, lose } = restored({ policy: restarts });
  found('stopped');
  recovered();
  world.see(vm, 'stopped');
  lose();
  t.ok(vm.heldBack, 'a lost one may run it');
  t.match(world.refused(world.startOf(vm)), { message: /secovia host fence b/ });
  const { generation } = vm;
  world.run({ type: 'host.fence_confirm', id: 'b', reason: 'somebody has looked' });
  t.match(vm, { heldBack: undefined, generation: generation + 1 });
  t.equal(roleOf(), 'VM_ROLE_RUN');
});

test('one that starts it by itself is in the way until it is gone for good', async (t) => {
  const { world, vm, found, recovered, roleOf, fence } = restored();
  found('stopped');
  recovered();
  t.match(world.refused({ type: 'host.retire', id: 'b', etag: '' }), { reason: 'HOST_HAS_ORPHANS' });
  fence();
  t.ok(vm.heldBack);
  t.equal(roleOf(), 'VM_ROLE_STOPPED');
  world.run({ type: 'host.retire', id: 'b', etag: '', destroyed: true });
  t.equal(vm.heldBack, undefined);
  t.equal(roleOf(), 'VM_ROLE_RUN');
  t.ok(world.start(vm));
});

test('an owner that has not heard yet that the VM restarts elsewhere would start it by itself', async (t) => {
  const { world, vm, owner, found } = restored({ policy: rebuilt });
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, policy: restarts, etag: '' });
  found('stopped');
  t.match(owner.leftovers, [{ former: 'starts' }]);
});

test('where the journal has it off, or gone, nothing is in the way', async (t) => {
  const off = restored({ power: 'stopped' });
  off.found('stopped');
  t.match(off.owner.leftovers, [{ mayRun: undefined, former: undefined }]);
  t.equal(off.vm.heldBack, undefined);
  const gone = restored();
  gone.world.see(gone.vm, 'missing');
  gone.found('stopped');
  t.match(gone.owner.leftovers, [{ mayRun: undefined, former: undefined }]);
  t.equal(gone.vm.heldBack, undefined);
});

test('one that is to be stopped is stopped, and is not started before its owner by the journal has let go', async (t) => {
  const { world, vm, found, recovered, roleOf, letsGo } = restored();
  found('stopped');
  recovered();
  world.see(vm, 'stopped');
  const { operation } = world.stop(vm);
  t.match(vm, { desired: 'stopped', heldBack: undefined });
  world.see(vm, 'stopped');
  t.equal(operation.state, 'succeeded');
  t.match(world.refused(world.startOf(vm)), { reason: 'COPY_ELSEWHERE' });
  letsGo();
  world.start(vm);
  t.equal(roleOf(), 'VM_ROLE_RUN');
});

test('found on a third host it is kept off for all that may run it, until the last of them has let go', async (t) => {
  const { world, vm, found, recovered, letsGo } = restored();
  found('stopped');
  found('stopped', 'c', 5);
  t.match(vm, { host: 'c', term: 5, heldBack: true, leftOn: ['a', 'b'] });
  recovered();
  world.see(vm, 'stopped');
  letsGo();
  t.ok(vm.heldBack);
  world.see(vm, 'absent', { term: vm.term, generation: vm.generation }, 'a');
  t.match(vm, { host: 'c', heldBack: undefined, leftOn: undefined });
});

test('it is kept off as well when its host has heard newer words, until what it waits for has come about', async (t) => {
  const { world, vm, found, recovered, roleOf, letsGo } = restored();
  found('stopped');
  recovered();
  world.see(vm, 'stopped', { generation: 2, toldGeneration: 7 });
  t.match(vm, { generation: 8, heldBack: true });
  t.equal(roleOf(), 'VM_ROLE_STOPPED');
  world.see(vm, 'absent', { term: 3, generation: 3 }, 'b');
  t.match(vm, { generation: 9, heldBack: undefined });
  letsGo();
  t.equal(vm.generation, 9, 'said twice it is said once');
});

test('a host to which it may have been handed over is in the way, too', async (t) => {
  const { world, vm } = handingOver();
  const peer = world.state.hosts.get(vm.move?.peer ?? '') as Host;
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a copy was restored' });
  world.see(vm, 'stopped', { term: 9, generation: 30 }, 'c');
  t.match(vm, { host: 'c', heldBack: true, move: undefined });
  t.match(peer.leftovers, [{ uid: vm.uid, mayRun: true, former: 'starts' }]);
});

test('one that is kept off for a quarter of an hour is an alarm, which says why', async (t) => {
  const { world, vm, found, recovered, lose } = restored();
  found('stopped');
  recovered();
  world.see(vm, 'stopped');
  lose();
  world.nowMs += 15 * minuteMs;
  const overdue = alarmsOf(world).filter(({ code }) => code === 'VM_OVERDUE');
  t.match(overdue, [
    {
      about: { kind: 'VM', uid: vm.uid },
      message: /^VM "vm" of "adm" is stopped and should be running, and another host, which had it/,
      advice: /^secovia vm start adm\/vm says which host is in the way/,
    },
  ]);
});
