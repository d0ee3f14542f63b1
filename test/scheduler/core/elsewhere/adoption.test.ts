import { isDeepStrictEqual } from 'node:util';
import { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import { verifyTenancy } from '../../../../scheduler/core/tenancy/verify.js';
import { desiredMessage } from '../../../../scheduler/fleet/desired.js';
import { segmentsOf } from '../accounting/read.js';
import { replay } from '../journal.js';
import { portraitOf } from '../portrait.js';
import { openAll, quota, rule, threeCountries } from '../tenancy/federation.js';
import { roomy, smallWorld, type World } from '../world.js';
import { adoption, digest, orphan, report, uid } from './adoption-world.js';

const freeVcpus = ({ state }: World, id: string) =>
  state.hostTable.freeVcpus[state.hostTable.row(id) as number];

test('a running orphan becomes a VM with its id and its size, in one decision with its claim', async (t) => {
  const world = smallWorld('a', 'b');
  quota(world, 'adm', { vcpus: 2 });
  report(world, 'a', orphan());
  const before = freeVcpus(world, 'a') as number;
  const { vm, operation } = world.run(adoption(world, { vm: { title: 'Mail', labels: { env: 'prod' } } }));
  t.match(vm, { uid, id: 'web', administration: 'adm', host: 'a', desired: 'running', title: 'Mail' });
  t.match(vm.spec, { vcpus: 2, memoryMib: 2048, diskMib: 4000, pool: '' });
  t.match(operation, { verb: 'adopt', state: 'running', targets: [uid] });
  t.equal(freeVcpus(world, 'a'), before - 2);
  t.match(verifyTenancy(world.state), { differences: [], exceeded: [] });
  t.equal(world.state.tenancy.tree.node('adm').meters.get('everywhere')?.used.vcpus, 2);
  t.match(world.refused(world.createOf([world.newVm('more')])), { reason: 'QUOTA_EXCEEDED' });
  world.see(vm, 'running', { rebootCount: 2 });
  t.match(operation, { state: 'succeeded' });
  t.ok(
    isDeepStrictEqual(portraitOf(replay(world.journal)), portraitOf(world.state)),
    'the journal says it all',
  );
});

test('its term and generation are newer than any that its host knows, and its reboots are not repeated', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  const { vm } = world.run(adoption(world));
  t.match(vm, { term: 4, generation: 8, observedGeneration: 7, rebootCount: 2, observedRebootCount: 2 });
  const restored = smallWorld('a');
  restored.run({ type: 'federation.open', instance: 'second', name: 'test', incarnation: 3 });
  restored.hello('a');
  report(restored, 'a', orphan());
  t.ok(
    restored.run(adoption(restored)).vm.term > 2 * 2 ** 16,
    'newer than what a lost journal may have given',
  );
});

test('the host is told to take it over until it has reached the generation of the adoption, and no longer', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  const { vm } = world.run(adoption(world));
  const told = () => desiredMessage(world.state, vm).adoption;
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_RUN', term: 4, generation: 8 });
  t.equal(told(), 'ADOPTION_DOMAIN');
  world.see(vm, 'running', { generation: 7, rebootCount: 2 });
  t.equal(told(), 'ADOPTION_DOMAIN', 'its marks are still the old ones');
  world.run({ type: 'vm.update', vm: { uid }, title: 'x', etag: '' });
  t.equal(told(), 'ADOPTION_DOMAIN');
  world.see(vm, 'running', { rebootCount: 2 });
  t.equal(told(), 'ADOPTION_UNSPECIFIED');
  t.notOk('adopting' in vm);
});

test('one that is off stays off, and a disk alone becomes a VM that is off', async (t) => {
  const world = smallWorld('a', 'b');
  report(world, 'a', orphan({ running: false }));
  t.match(world.run(adoption(world)).vm, { desired: 'stopped', adopting: { from: 'domain' } });
  const other = '7f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a22';
  const size = { vcpus: 0, memoryMib: 0, diskMib: 4000 };
  report(world, 'b', orphan({ uid: other, kind: 'disk', running: false, size, term: 0, generation: 0 }));
  const disk = (vm: object) => adoption(world, { host: 'b', vm: { uid: other, id: 'disk', ...vm } });
  t.match(world.refused(disk({})), {
    kind: 'invalid',
    reason: 'ORPHAN_NOT_KNOWN',
    message: /how many vCPUs .*--vcpus/,
    violations: [{ field: 'vm.spec.vcpus' }],
  });
  t.match(world.refused(disk({ vcpus: 1 })), { message: /memory .*--memory/ });
  const { vm } = world.run(disk({ vcpus: 1, memoryMib: 512 }));
  t.match(vm, {
    desired: 'stopped',
    term: 1,
    generation: 2,
    spec: { vcpus: 1, memoryMib: 512, diskMib: 4000 },
  });
  t.match(desiredMessage(world.state, vm), { role: 'VM_ROLE_STOPPED', adoption: 'ADOPTION_DISK' });
});

test('what the host has read need not be said, and must not be something else', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  t.match(world.refused(adoption(world, { vm: { vcpus: 4 } })), {
    kind: 'invalid',
    reason: 'ORPHAN_IS_OTHERWISE',
    message: 'the orphan has 2 vCPUs, and not 4; adopt it as it is, and resize it then (secovia vm resize)',
  });
  t.match(world.refused(adoption(world, { vm: { diskMib: 9000 } })), {
    message: /4000 MiB disk, and not 9000 MiB/,
  });
  t.ok(world.run(adoption(world, { vm: { vcpus: 2, memoryMib: 2048, diskMib: 4000, image: 'tiny' } })));
});

test('the image is found by its digest, or said where nobody knows it', async (t) => {
  const world = smallWorld('a');
  const other = `sha256:${'1'.repeat(64)}`;
  report(world, 'a', orphan({ imageDigest: other }));
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_NOT_KNOWN', message: /secovia image add/ });
  t.match(world.refused(adoption(world, { vm: { image: 'tiny' } })), { reason: 'ORPHAN_IS_OTHERWISE' });
  t.match(world.refused(adoption(world, { vm: { image: 'none' } })), { reason: 'IMAGE_NOT_FOUND' });
  report(world, 'a', orphan({ imageDigest: '' }));
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_NOT_KNOWN', message: /--image/ });
  const { vm } = world.run(adoption(world, { vm: { image: 'tiny' } }));
  t.equal(vm.spec.imageUid, world.state.images.get('tiny')?.uid);
  t.equal(world.state.images.get('tiny')?.digest, digest);
});

test('never two copies: what others have of it, or is to be taken away, stands against it', async (t) => {
  const world = smallWorld('a', 'b');
  report(world, 'a', orphan());
  report(world, 'b', orphan({ running: false, term: 2 }));
  t.match(world.refused(adoption(world)), {
    kind: 'precondition',
    reason: 'ORPHAN_ELSEWHERE',
    message: /host "b" has something .*remove-orphan b --orphan/,
    confidential: [{ of: { kind: 'host', id: 'b' }, metadata: ['host'] }],
  });
  const { leftovers = [] } = world.run({ type: 'host.remove_orphan', id: 'b', uid });
  t.match(leftovers, [{ uid, term: 3 }], 'newer than there, and not newer than anything');
  report(world, 'b');
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_ELSEWHERE' }, 'until it is seen to be gone');
  const gone = { uid, term: 3, generation: 1, state: 'absent', rebootCount: 0, fault: null } as const;
  world.run({ type: 'host.observe', id: 'b', observation: gone });
  world.run({ type: 'host.remove_orphan', id: 'a', uid });
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_BEING_REMOVED' });
  world.run({ type: 'host.observe', id: 'a', observation: { ...gone, term: 4 } });
  t.match(world.run(adoption(world)).vm, { host: 'a' }, 'the domain came back');
  t.match(world.refused(adoption(world)), { kind: 'already_exists', reason: 'VM_EXISTS' });
  t.match(world.refused(adoption(world, { host: 'b' })), {
    reason: 'VM_EXISTS',
    message: /which is no orphan; .*remove-orphan b/,
  });
});

test('nothing is adopted in a recovery, from a host that is not heard, or that has said nothing of it', async (t) => {
  const world = smallWorld('a');
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_NOT_FOUND' });
  t.match(world.refused(adoption(world, { host: 'z' })), { reason: 'HOST_NOT_FOUND' });
  t.match(world.refused(adoption(world, { administration: 'z' })), { reason: 'ADMINISTRATION_NOT_FOUND' });
  report(world, 'a', orphan());
  world.run({ type: 'host.disconnected', id: 'a', reason: 'a test' });
  t.match(world.refused(adoption(world)), { reason: 'HOST_NOT_READY', message: /is suspect.*not known/ });
  world.hello('a', {
    report: { libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [`domain web ${uid}`] },
  });
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_NOT_READ' });
  report(world, 'a', orphan());
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused(adoption(world)), { reason: 'SITE_RECOVERING', message: /end-recovery zagreb/ });
  world.run({ type: 'recovery.end', site: 'zagreb' });
  t.match(world.run(adoption(world)).vm, { host: 'a' });
});

test('what is only half made, or cannot be read, is refused with its reason and the way out', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan({ kind: 'disk', problem: 'its disk is only half made' }));
  t.match(world.refused(adoption(world)), {
    reason: 'ORPHAN_NOT_WHOLE',
    message: /its disk is only half made; .*secovia host remove-orphan a --orphan/,
  });
});

test('it is placed by the rules of every placement, on its own host alone', async (t) => {
  const world = smallWorld('b');
  world.host('a', 'zagreb', { vcpus: 2 });
  report(world, 'a', orphan());
  const other = world.vm('other', { placement: { sites: [], countries: [], excludedHosts: ['b'] } });
  t.match(world.refused(adoption(world)), {
    kind: 'precondition',
    reason: 'HOST_CANNOT_TAKE_IT',
    message:
      'host "a" cannot take VM "web" (2 vCPU, 2048 MiB memory, 4000 MiB disk): it lacks vCPUs (1 more is needed)',
  });
  world.delete(other);
  world.see(other, 'absent');
  world.run({ type: 'host.cordon', id: 'a', cordoned: true });
  t.match(world.refused(adoption(world)), { message: /it is cordoned/ });
  world.run({ type: 'host.cordon', id: 'a', cordoned: false });
  quota(world, 'adm', { memoryMib: 1024 });
  t.match(world.refused(adoption(world)), {
    kind: 'exhausted',
    reason: 'QUOTA_EXCEEDED',
    quota: [{ subject: 'administrations/adm/quotas/everywhere' }],
    confidential: [{ of: { kind: 'administration', id: 'adm' } }],
  });
  quota(world, 'adm', { memoryMib: 4096 });
  world.run({ type: 'administration.suspend', id: 'adm', suspended: true });
  t.match(world.refused(adoption(world)), { reason: 'ADMINISTRATION_SUSPENDED' });
  world.run({ type: 'administration.suspend', id: 'adm', suspended: false });
  t.match(world.run(adoption(world)).vm, { host: 'a' });
});

test('residency and agreements hold for what is there already', async (t) => {
  const world = threeCountries();
  const asked = (change: object = {}) =>
    adoption(world, { host: 'ljubljana-1', administration: 'pula', ...change });
  report(world, 'ljubljana-1', orphan());
  t.match(world.refused(asked()), { reason: 'NO_AGREEMENT' });
  openAll(world);
  t.match(world.refused(asked({ vm: { dataClass: 'personal' } })), { reason: 'NOT_LAWFUL' });
  rule(world, { allowed: { countries: ['SI'], jurisdictions: [] } });
  t.match(world.run(asked({ vm: { dataClass: 'personal' } })).vm, {
    host: 'ljubljana-1',
    dataClass: 'personal',
  });
});

test('its disk in a shared pool is claimed there, and one that is off waits for the other hosts of the pool', async (t) => {
  const world = smallWorld('a', 'b');
  const off = orphan({ poolPath: '/srv/san', running: false });
  report(world, 'a', off);
  t.match(world.refused(adoption(world)), { reason: 'ORPHAN_WITHOUT_POOL', message: /secovia pool create/ });
  const pool = { id: 'san', site: 'zagreb', path: '/srv/san', hosts: ['a', 'b'], capacityMib: 3000 };
  world.run({ type: 'pool.create', ...pool });
  t.match(world.refused(adoption(world)), { kind: 'exhausted', reason: 'POOL_FULL' });
  world.run({ type: 'pool.delete', id: 'san', etag: '' });
  world.run({ type: 'pool.create', ...pool, capacityMib: 5000 });
  world.run({ type: 'host.disconnected', id: 'b', reason: 'a test' });
  t.match(world.refused(adoption(world)), { reason: 'POOL_HOST_NOT_HEARD', message: /secovia host fence b/ });
  report(world, 'a', orphan({ poolPath: '/srv/san' }));
  const { vm } = world.run(adoption(world));
  t.equal(vm.spec.pool, 'san');
  t.equal(world.state.poolClaimedMib.get('san'), 4000);
  t.ok(desiredMessage(world.state, vm).diskExists, 'nobody makes another disk for it');
});

test('it keeps the NUMA cells that it has, if there is room for it on these', async (t) => {
  const world = smallWorld();
  const cell = (id: number) => ({ id, cpus: 8, memoryMib: 8192, hugepages: [] });
  world.host('a', 'zagreb', { ...roomy, vcpus: 16, memoryMib: 16_384, cells: [cell(0), cell(1)] });
  const bound = orphan({
    numa: { cells: 1, dedicatedCpus: false },
    numaCells: [1],
    size: { vcpus: 2, memoryMib: 4096, diskMib: 1000 },
  });
  report(world, 'a', bound);
  const wish = { numa: { cells: 1, dedicatedCpus: false } };
  const fillers = ['one', 'two'].map((id) => world.vm(id, { memoryMib: 6000, ...wish }));
  t.match(world.refused(adoption(world)), { reason: 'HOST_CANNOT_TAKE_IT', message: /NUMA cells/ });
  const onCell0 = fillers.find(({ numaCells = [] }) => numaCells[0] === 0) as Vm;
  world.delete(onCell0);
  world.see(onCell0, 'absent');
  t.match(world.refused(adoption(world)), { message: /the NUMA cells 1 of its host/ });
  const onCell1 = fillers.find((one) => one !== onCell0) as Vm;
  world.delete(onCell1);
  world.see(onCell1, 'absent');
  t.match(world.run(adoption(world)).vm, { numaCells: [1] });
});

test('what the host cannot take over any more is no VM, and claims nothing', async (t) => {
  const world = smallWorld('a', 'b');
  report(world, 'a', orphan());
  const before = freeVcpus(world, 'a');
  const { vm, operation } = world.run(
    adoption(world, { vm: { policy: { onGuestShutdown: 'stay_stopped', rebuildable: true } } }),
  );
  const gone = { code: 9, reason: 'HOST_ERROR', message: 'its domain is not on this host any more' };
  world.see(vm, 'refused', { fault: gone });
  t.notOk(world.state.vms.has(uid), 'and it is not made anew on another host');
  t.match(operation, { state: 'failed', fault: gone });
  t.equal(freeVcpus(world, 'a'), before);
  t.ok(world.run(adoption(world, { vm: { id: 'again' } })), 'the name and the id are free');
});

test('an adoption cannot be cancelled, and what is adopted can be deleted', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  const { vm, operation } = world.run(adoption(world));
  t.match(world.refused({ type: 'operation.cancel', id: operation.id }), { reason: 'NOT_CANCELLABLE' });
  world.delete(vm);
  world.see(vm, 'absent');
  t.notOk(world.state.vms.has(uid));
});

test('one that is to restart elsewhere does not, before its host has heard of that', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  const policy = { onGuestShutdown: 'stay_stopped', rebuildable: true, onHostLoss: 'restart' } as const;
  t.match(world.run(adoption(world, { vm: { policy } })).vm, { restartSince: 8, observedGeneration: 7 });
});

test('it is paid for since it was adopted', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  world.nowMs += 3_600_000;
  const adoptedMs = world.nowMs;
  world.run(adoption(world));
  const segments = segmentsOf(Buffer.from(world.journal.join('\n')), adoptedMs + 1000);
  t.match(segments, [{ uid, fromMs: adoptedMs, toMs: adoptedMs + 1000, vcpus: 2 }]);
});

test('after an adoption that its host refused comes one with a newer term, though it told nothing since', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  const { vm: first } = world.run(adoption(world));
  const { term, generation } = first;
  world.see(first, 'refused');
  t.equal(world.state.vms.get(uid), undefined, 'it is no VM any more');
  const { vm: again } = world.run(adoption(world));
  t.ok(again.term > term && again.generation > generation);
});

test('nor does it go back behind what was said meanwhile, or to the term under which the orphan was to be taken away', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', orphan());
  const { vm: first } = world.run(adoption(world));
  world.run({ type: 'vm.update', vm: { uid }, title: 'x', etag: '' });
  world.see(first, 'absent', { generation: first.generation + 1 });
  const { term, generation } = first;
  world.see(first, 'refused');
  t.equal(world.state.vms.get(uid), undefined);
  const { vm: second } = world.run(adoption(world));
  t.ok(second.term > term && second.generation > generation);
  world.see(second, 'refused');
  world.run({ type: 'host.remove_orphan', id: 'a', uid });
  const removal = world.state.hosts.get('a')?.leftovers?.[0]?.term ?? 0;
  t.ok(removal > second.term);
  world.see({ ...second, term: removal }, 'absent', {}, 'a');
  t.same(world.state.hosts.get('a')?.leftovers ?? [], []);
  t.ok(world.run(adoption(world)).vm.term > removal);
});
