import { test } from 'tap';
import { leftoverMessage } from '../../../../scheduler/fleet/desired.js';
import { newestTerm } from '../../../../scheduler/core/vm-changes.js';
import { answering, fault, smallWorld, type World } from '../world.js';
import { fence, handingOver, migrate, movingWorld, seeAtPeer } from '../moves/moving-world.js';
import { orphan, report as reportOrphans } from './adoption-world.js';

const uid = '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11';

function report(world: World, id: string, orphans: string[]): void {
  world.run({ type: 'host.report', id, report: { ...answering, orphans }, inventory: null, capacity: null });
}

const removal = (of = uid) => ({ type: 'host.remove_orphan' as const, id: 'a', uid: of });

test("what nobody knows is taken away by an operator's word, under a term that is newer than any", async (t) => {
  const world = smallWorld('a');
  report(world, 'a', [`domain old ${uid}`, `volume ${uid}.qcow2`]);
  const host = world.run(removal());
  t.match(host.leftovers, [{ uid, term: newestTerm, keepVolumes: false }]);
  const { sequence } = world.state;
  world.run(removal());
  t.equal(world.state.sequence, sequence, 'said twice it is said once');
  const gone = {
    uid,
    term: newestTerm,
    generation: 1,
    state: 'absent',
    rebootCount: 0,
    fault: null,
  } as const;
  world.run({ type: 'host.observe', id: 'a', observation: gone });
  t.notOk(host.leftovers);
});

test('a domain that a host has of a VM that lives elsewhere is taken away under its term, and its shared disk left', async (t) => {
  const world = smallWorld('a', 'b');
  world.run({
    type: 'pool.create',
    id: 'san',
    site: 'zagreb',
    path: '/srv/san',
    hosts: ['b'],
    capacityMib: 9000,
  });
  const vm = world.settled('vm', { pool: 'san' });
  report(world, 'a', [`domain vm ${vm.uid}`]);
  t.match(world.run(removal(vm.uid)).leftovers, [{ uid: vm.uid, term: vm.term, keepVolumes: true }]);
  t.same(vm.leftOn, ['a']);
});

test("with what nobody knows goes its disk in a shared pool, if no other of the pool's hosts may run it", async (t) => {
  const world = smallWorld('a', 'b', 'c');
  const san = { id: 'san', site: 'zagreb', path: '/srv/san', hosts: ['a', 'b'], capacityMib: 9000 };
  world.run({ type: 'pool.create', ...san });
  const off = orphan({ running: false, poolPath: '/srv/san' });
  const host = () => world.state.hosts.get('a');
  const removed = () => {
    const [leftover] = world.run({ ...removal(), uid: off.uid }).leftovers ?? [];
    const message = leftover && leftoverMessage(world.state, leftover);
    t.match(message, { role: 'VM_ROLE_DELETED', storagePoolPath: leftover?.pool ? '/srv/san' : '' });
    const gone = { uid: off.uid, generation: 1, state: 'absent', rebootCount: 0, fault: null } as const;
    world.run({ type: 'host.observe', id: 'a', observation: { ...gone, term: leftover?.term ?? 0 } });
    t.notOk(host()?.leftovers);
    return leftover?.pool;
  };
  reportOrphans(world, 'a', off);
  t.equal(removed(), 'san');
  reportOrphans(world, 'a', { ...off, poolPath: '/srv/elsewhere' });
  t.equal(removed(), undefined, 'the host has no such pool');
  reportOrphans(world, 'a', { ...off, poolPath: '' });
  t.equal(removed(), undefined);
  reportOrphans(world, 'a', off);
  reportOrphans(world, 'b', off);
  t.equal(removed(), undefined, 'another host has it as well');
  reportOrphans(world, 'b');
  world.run({ type: 'host.disconnected', id: 'b', reason: 'a test' });
  reportOrphans(world, 'a', off);
  t.equal(removed(), undefined, 'another host is not heard');
  reportOrphans(world, 'a', { ...off, running: true });
  t.equal(removed(), 'san', 'what runs here runs nowhere else');
});

test('an orphan that is newer than it was ordered away is so again, with its disk', async (t) => {
  const world = smallWorld('a');
  const san = { id: 'san', site: 'zagreb', path: '/srv/san', hosts: ['a'], capacityMib: 9000 };
  world.run({ type: 'pool.create', ...san });
  reportOrphans(world, 'a', orphan({ poolPath: '/srv/san' }));
  const [first] = world.run(removal()).leftovers ?? [];
  const term = (first?.term ?? 0) + 5;
  const seen = { uid, term, generation: 9, state: 'running', rebootCount: 0, fault: null } as const;
  world.run({ type: 'host.observe', id: 'a', observation: seen });
  t.match(world.state.hosts.get('a')?.leftovers, [{ uid, term, generation: 10, pool: 'san', mayRun: true }]);
});

test('what the host has not reported, or is its own, is no orphan', async (t) => {
  const world = smallWorld('a');
  t.match(world.refused(removal()), { reason: 'ORPHAN_NOT_FOUND' });
  const vm = world.settled('vm');
  report(world, 'a', [`domain vm ${vm.uid}`]);
  t.match(world.refused(removal(vm.uid)), { reason: 'ORPHAN_NOT_FOUND' });
  t.match(world.refused({ ...removal(), id: 'nobody' }), { reason: 'HOST_NOT_FOUND' });
});

test('in recovery nothing is an orphan for certain', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', [`domain old ${uid}`]);
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused(removal()), { reason: 'SITE_RECOVERING' });
});

test('a VM of which another host has a domain is not started, as that would make a second copy', async (t) => {
  const world = smallWorld('a', 'b', 'c');
  const gone = world.settled('gone', { placement: { sites: [], countries: [], excludedHosts: ['b', 'c'] } });
  world.see(gone, 'missing');
  const off = world.settled('off', { power: 'stopped' });
  const fine = world.settled('fine', { power: 'stopped' });
  report(world, 'b', [`domain gone ${gone.uid}`, `domain off ${off.uid}`, `volume ${fine.uid}.qcow2`]);
  for (const vm of [gone, off]) {
    const { term, generation } = vm;
    t.match(world.refused(world.startOf(vm)), {
      reason: 'COPY_ELSEWHERE',
      message: `secovia host remove-orphan b --orphan ${vm.uid}`,
      confidential: [{ of: { kind: 'host', id: 'b' }, instead: /^another host has told/ }],
    });
    t.match(vm, { term, generation }, 'and nothing has changed');
  }
  t.ok(world.start(fine), 'a disk alone runs nowhere');
  report(world, 'b', []);
  t.equal(world.start(gone).vm.term, 2);
  report(world, 'c', [`domain off ${off.uid}`]);
  world.run({ type: 'host.disconnected', id: 'c', reason: 'the stream ended' });
  world.run({ type: 'host.lapsed', id: 'c', reason: 'its lease ended' });
  t.match(world.refused(world.startOf(off)), { reason: 'COPY_ELSEWHERE' }, 'who is silent may run it');
  t.match(world.refused({ type: 'host.retire', id: 'c', etag: '' }), { reason: 'HOST_HAS_ORPHANS' });
  world.run({ type: 'host.fence_confirm', id: 'c', reason: 'somebody has looked' });
  t.match(world.refused(world.startOf(off)), { reason: 'COPY_ELSEWHERE' }, 'when it is back it may start it');
  world.run({ type: 'host.retire', id: 'c', etag: '' });
  t.ok(world.start(off));
});

test('until the host says that nothing is left the VM is not started, whatever it reports meanwhile', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { placement: { sites: [], countries: [], excludedHosts: ['b'] } });
  world.see(vm, 'missing');
  const orphanVms = [orphan({ uid: vm.uid, term: 5, generation: 9 })];
  const orphans = [`domain vm ${vm.uid}`];
  world.run({
    type: 'host.report',
    id: 'b',
    report: { ...answering, orphans, orphanVms },
    inventory: null,
    capacity: null,
  });
  const { leftovers = [] } = world.run({ type: 'host.remove_orphan', id: 'b', uid: vm.uid });
  t.match(leftovers, [{ uid: vm.uid, term: 5, generation: 10, mayRun: true }], 'or it would not obey');
  report(world, 'b', []);
  t.match(world.refused(world.startOf(vm)), { reason: 'COPY_ELSEWHERE' });
  const seen = { uid: vm.uid, term: 5, generation: 10, rebootCount: 0, fault: null } as const;
  world.run({ type: 'host.observe', id: 'b', observation: { ...seen, state: 'running' } });
  t.match(world.refused(world.startOf(vm)), { reason: 'COPY_ELSEWHERE' });
  world.run({ type: 'host.observe', id: 'b', observation: { ...seen, state: 'absent' } });
  t.equal(world.start(vm).vm.term, 6, 'newer than any that a host was given');
});

test('a domain that was told of is not forgotten by an agent that has just begun, or whose libvirt is silent', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', {
    power: 'stopped',
    placement: { sites: [], countries: [], excludedHosts: ['b'] },
  });
  const tell = (change: object) =>
    world.run({
      type: 'host.report',
      id: 'b',
      report: { ...answering, ...change },
      inventory: null,
      capacity: null,
    });
  const orphanVms = [orphan({ uid: vm.uid })];
  tell({ orphans: [`domain vm ${vm.uid}`, 'volume x.qcow2'], orphanVms });
  const { state } = world;
  for (const silent of [{ orphansIncomplete: true }, { libvirtAvailable: false, libvirtError: 'it hangs' }]) {
    tell({ orphans: [], ...silent });
    t.match(state.hosts.get('b'), { orphans: [`domain vm ${vm.uid}`], orphanVms });
    t.match(world.refused(world.startOf(vm)), { reason: 'COPY_ELSEWHERE' });
  }
  const { sequence } = state;
  tell({ orphans: [], libvirtAvailable: false, libvirtError: 'it hangs' });
  t.equal(state.sequence, sequence, 'said again it changes nothing');
  tell({ orphans: [] });
  t.same(state.hosts.get('b')?.orphans, []);
  t.ok(world.start(vm));
});

test('a host is not retired while something runs on it that was ordered away, unless it is off', async (t) => {
  const world = smallWorld('a', 'b');
  report(world, 'b', [`domain old ${uid}`]);
  world.run({ ...removal(), id: 'b' });
  report(world, 'b', []);
  const retire = { type: 'host.retire', id: 'b', etag: '' } as const;
  t.match(world.refused(retire), { reason: 'HOST_HAS_ORPHANS' });
  const term = newestTerm;
  const absent = { uid, term, generation: 1, state: 'absent', rebootCount: 0, fault: null } as const;
  world.run({ type: 'host.observe', id: 'b', observation: absent });
  t.equal(world.run(retire).state, 'retired');
});

test('an orphan that nobody had read is of a newer term than it was ordered away under: it is ordered again above that', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { placement: { sites: [], countries: [], excludedHosts: ['b'] } });
  report(world, 'b', [`domain vm ${vm.uid}`]);
  const host = world.run({ ...removal(vm.uid), id: 'b' });
  const seen = { uid: vm.uid, rebootCount: 0, fault: null } as const;
  const conflict = { ...seen, term: 5, generation: 9, state: 'unknown' } as const;
  world.run({ type: 'host.observe', id: 'b', observation: conflict });
  t.match(host.leftovers, [{ uid: vm.uid, term: 5, generation: 10, mayRun: true }]);
  world.run({ type: 'host.observe', id: 'b', observation: { ...conflict, generation: 10, state: 'absent' } });
  t.notOk(host.leftovers);
});

test('a term that no VM ever gets is of nobody', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { placement: { sites: [], countries: [], excludedHosts: ['b'] } });
  const { sequence } = world.state;
  for (const term of [newestTerm, 2 ** 31 - 1]) world.see(vm, 'running', { term });
  report(world, 'b', [`domain vm ${vm.uid}`]);
  const host = world.run({ ...removal(vm.uid), id: 'b' });
  const seen = { uid: vm.uid, rebootCount: 0, fault: null, generation: 9, state: 'unknown' } as const;
  world.run({ type: 'host.observe', id: 'b', observation: { ...seen, term: newestTerm } });
  t.match(host.leftovers, [{ term: vm.term }]);
  t.equal(world.state.sequence, sequence + 2, 'the report and the order');
  t.equal(vm.term, 1);
});

test('a host on which an orphan of its id was taken away will not have the VM, which goes elsewhere or is gone', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.vm('vm');
  const first = vm.host;
  world.see(vm, 'absent', { term: newestTerm });
  t.not(vm.host, first);
  t.match(vm, { term: 2, refusedBy: [first] });
  world.delete(vm);
  world.see(vm, 'absent', { term: newestTerm });
  t.notOk(world.state.vms.has(vm.uid));
});

test('one that its host refuses is not started on the next while a third has a domain of it', async (t) => {
  for (const onPool of [true, false]) {
    const world = smallWorld('a', 'b', 'c');
    const pool = { id: 'san', site: 'zagreb', path: '/srv/san', hosts: ['a', 'b'], capacityMib: 9000 };
    world.run({ type: 'pool.create', ...pool });
    const placement = { sites: [], countries: [], excludedHosts: ['b', 'c'] };
    const vm = onPool ? world.settled('vm', { pool: 'san', placement }) : world.vm('vm', { placement });
    vm.placement.excludedHosts = [];
    report(world, 'c', [`domain vm ${vm.uid}`]);
    world.see(vm, 'refused', { fault: fault('NO_MEMORY') });
    const kept = { state: 'failed', fault: { reason: 'COPY_ELSEWHERE' }, term: 1 } as const;
    t.match(vm, { ...kept, host: onPool ? 'a' : null });
    t.match(world.refused(world.startOf(vm)), { reason: 'COPY_ELSEWHERE' });
    const policy = { ...vm.policy, onHostLoss: 'restart' } as const;
    const update = { type: 'vm.update', vm: { uid: vm.uid }, policy, etag: '' } as const;
    if (onPool) t.match(world.refused(update), { reason: 'COPY_ELSEWHERE' }, 'its host would try it again');
    t.ok(world.run({ ...update, policy: vm.policy, title: 'a title' }));
    report(world, 'c', []);
    t.ok(world.start(vm));
  }
});

test('one that its host has let go of, or lost on its way, is started nowhere while a third has a domain of it', async (t) => {
  const cold = movingWorld();
  const coldMove = migrate(cold, 'cold');
  cold.world.see(cold.vm, 'stopped');
  report(cold.world, 'c', [`domain vm ${cold.vm.uid}`]);
  cold.world.see(cold.vm, 'absent');
  const live = handingOver();
  report(live.world, 'c', [`domain vm ${live.vm.uid}`]);
  live.world.see(live.vm, 'absent');
  seeAtPeer(live, 'awaited');
  for (const { world, vm } of [cold, live]) {
    t.match(vm, { host: 'a', term: 1, state: 'missing', fault: { reason: 'COPY_ELSEWHERE' } });
    t.equal(vm.move, undefined);
    world.see(vm, 'absent', { generation: vm.generation - 1 });
    world.see(vm, 'absent');
    t.match(vm, { host: 'a', state: 'missing', fault: { reason: 'COPY_ELSEWHERE' } });
    t.match(world.refused(world.startOf(vm)), { reason: 'COPY_ELSEWHERE' });
    report(world, 'c', []);
    world.start(vm);
    t.match(vm, { host: 'a', state: 'placed', desired: 'running' });
  }
  t.match(coldMove, { state: 'failed', fault: { reason: 'COPY_ELSEWHERE' } });
  t.match(live.world.state.hosts.get('b')?.leftovers, [{ uid: live.vm.uid, keepVolumes: true }]);
});

test('nor is one whose host is off, and was to let go of it', async (t) => {
  const moving = movingWorld();
  const { world, vm } = moving;
  migrate(moving, 'cold');
  world.see(vm, 'stopped');
  report(world, 'c', [`domain vm ${vm.uid}`]);
  fence(world, 'a');
  const settle = { type: 'vm.move_settle', uid: vm.uid } as const;
  world.run(settle);
  t.match(vm, { host: 'a', move: { phase: 'leaving' } });
  report(world, 'c', []);
  world.run(settle);
  t.match(vm, { host: 'b', state: 'placed' });
});

test('a VM whose disk another host has been found to run from is not deleted', async (t) => {
  const world = smallWorld('a', 'b');
  const pool = { id: 'san', site: 'zagreb', path: '/srv/san', hosts: ['a'], capacityMib: 9000 };
  world.run({ type: 'pool.create', ...pool });
  const vm = world.settled('vm', { pool: 'san' });
  const order = {
    type: 'vm.delete',
    vm: { uid: vm.uid },
    operation: world.draw('operation'),
    etag: '',
  } as const;
  report(world, 'b', [`domain vm ${vm.uid}`]);
  t.match(world.refused(order), {
    reason: 'COPY_ELSEWHERE',
    message: /disk in the pool would be thrown away/,
  });
  report(world, 'b', []);
  t.equal(world.run(order).vm.desired, 'deleted');
});
