import { test } from 'tap';
import { migrateOf } from './moves/moving-world.js';
import { smallWorld, type World } from './world.js';

const pool = (change: object = {}) => ({
  type: 'pool.create' as const,
  id: 'nfs',
  site: 'zagreb',
  path: '/srv/nfs',
  hosts: ['a', 'b'],
  capacityMib: 5000,
  ...change,
});

function worldWithPool(): World {
  const world = smallWorld('a', 'b', 'c');
  world.run(pool());
  return world;
}

test('a pool names hosts of its own site that are there', async (t) => {
  const world = smallWorld('a', 'b');
  world.site('split');
  world.host('s', 'split');
  t.match(world.refused(pool({ site: 'none' })), { kind: 'not_found', reason: 'SITE_NOT_FOUND' });
  t.match(world.refused(pool({ hosts: ['a', 'none'] })), { kind: 'not_found', reason: 'HOST_NOT_FOUND' });
  t.match(world.refused(pool({ hosts: ['a', 's'] })), {
    kind: 'precondition',
    reason: 'HOST_OF_OTHER_SITE',
  });
  world.run({ type: 'host.retire', id: 'b', etag: '' });
  t.match(world.refused(pool()), { reason: 'HOST_NOT_FOUND' }, 'a retired host mounts nothing');
  t.match(world.run(pool({ hosts: ['a'] })), { id: 'nfs', hosts: ['a'] });
});

test('a pool id is used once', async (t) => {
  const refusal = worldWithPool().refused(pool());
  t.match(refusal, { kind: 'already_exists', reason: 'STORAGE_POOL_EXISTS' });
});

test('a disk on a shared pool is claimed there once, and not on the host', async (t) => {
  const world = worldWithPool();
  const vm = world.settled('vm', { pool: 'nfs', diskMib: 3000 });
  t.equal(world.state.poolClaimedMib.get('nfs'), 3000);
  t.equal(world.state.hostTable.claimed(vm.host as string).diskMib, 0);
  t.equal(world.state.claimOfAdministration('adm').diskMib, 3000);
});

test('only hosts that mount the pool are taken', async (t) => {
  const world = worldWithPool();
  for (const name of ['one', 'two', 'three']) t.not(world.vm(name, { pool: 'nfs' }).host, 'c');
});

test('a pool is never claimed beyond its capacity, also within one batch', async (t) => {
  const world = worldWithPool();
  const disks = (count: number) =>
    Array.from({ length: count }, (_, index) => world.newVm(`vm-${index}`, { pool: 'nfs', diskMib: 2000 }));
  const refusal = world.refused(world.createOf(disks(3)));
  t.match(refusal, { kind: 'exhausted', reason: 'POOL_FULL', metadata: { leftMib: '1000' } });
  t.equal(world.state.vms.size, 0);
  world.create(...disks(2));
  t.match(world.refused(world.createOf([world.newVm('more', { pool: 'nfs', diskMib: 1001 })])), {
    reason: 'POOL_FULL',
  });
  t.ok(world.vm('fits', { pool: 'nfs', diskMib: 1000 }));
});

test('a pool that is not there is refused', async (t) => {
  const world = worldWithPool();
  const refusal = world.refused(world.createOf([world.newVm('vm', { pool: 'none' })]));
  t.match(refusal, { kind: 'not_found', reason: 'STORAGE_POOL_NOT_FOUND' });
});

test('a VM that moves to another host of the pool keeps its one claim', async (t) => {
  const world = worldWithPool();
  const vm = world.vm('vm', { pool: 'nfs' });
  const before = vm.host;
  world.see(vm, 'refused');
  t.not(vm.host, before);
  t.equal(world.state.poolClaimedMib.get('nfs'), 1000);
});

test('a growing disk needs room in the pool', async (t) => {
  const world = worldWithPool();
  const vm = world.settled('vm', { pool: 'nfs', diskMib: 3000, power: 'stopped' });
  t.match(world.refused(world.resizeOf(vm, { diskMib: 5001 })), {
    kind: 'exhausted',
    reason: 'POOL_FULL',
    metadata: { leftMib: '2000' },
  });
  world.run(world.resizeOf(vm, { diskMib: 5000 }));
  t.equal(world.state.poolClaimedMib.get('nfs'), 5000);
});

test('only a pool without volumes is deleted', async (t) => {
  const world = worldWithPool();
  const remove = { type: 'pool.delete', id: 'nfs', etag: '' } as const;
  const vm = world.settled('vm', { pool: 'nfs' });
  t.match(world.refused(remove), {
    kind: 'precondition',
    reason: 'STORAGE_POOL_IN_USE',
    metadata: { vms: '1' },
  });
  world.delete(vm);
  world.see(vm, 'absent');
  t.match(world.refused({ ...remove, etag: '"9"' }), { kind: 'aborted', reason: 'ETAG_MISMATCH' });
  t.equal(world.run(remove), null);
  t.match(world.refused(remove), { kind: 'not_found', reason: 'STORAGE_POOL_NOT_FOUND' });
});

test('a VM without a host claims nothing of its pool, and must find room again when it is started', async (t) => {
  const world = worldWithPool();
  const vm = world.vm('vm', { pool: 'nfs', diskMib: 3000 });
  world.see(vm, 'refused');
  world.see(vm, 'refused');
  t.equal(vm.host, null);
  t.equal(world.state.poolClaimedMib.get('nfs'), 0);
  const other = world.vm('other', { pool: 'nfs', diskMib: 3000 });
  t.match(world.refused(world.startOf(vm)), { kind: 'exhausted', reason: 'POOL_FULL' });
  world.delete(other);
  world.see(other, 'absent');
  world.start(vm);
  t.equal(world.state.poolClaimedMib.get('nfs'), 3000);
});

const update = (change: { hosts?: string[]; capacityMib?: number; etag?: string }) =>
  ({
    type: 'pool.update',
    id: 'nfs',
    hosts: undefined,
    capacityMib: undefined,
    etag: '',
    ...change,
  }) as const;

test('hosts join a pool and leave it while it is in use, and VMs follow', async (t) => {
  const world = worldWithPool();
  const vm = world.settled('vm', { pool: 'nfs' });
  const other = vm.host === 'a' ? 'b' : 'a';
  t.match(world.refused(update({ hosts: [other, 'c'] })), {
    reason: 'STORAGE_POOL_IN_USE',
    message: /1 VMs .*secovia host drain/,
    metadata: { host: vm.host, vms: '1' },
  });
  t.match(world.refused(update({ hosts: ['none'] })), { kind: 'not_found', reason: 'HOST_NOT_FOUND' });
  t.match(world.run(update({ hosts: [vm.host as string, 'c'] })), { hosts: [vm.host, 'c'], revision: 2 });
  const { sequence } = world.state;
  world.run(update({ hosts: [vm.host as string, 'c'] }));
  t.equal(world.state.sequence, sequence, 'the same again writes nothing');
  for (const name of ['one', 'two', 'three']) t.not(world.vm(name, { pool: 'nfs' }).host, other);
  t.match(world.refused(update({ hosts: ['a'], etag: '"1"' })), { reason: 'ETAG_MISMATCH' });
});

test('a host to which a VM of the pool is on its way does not leave the pool', async (t) => {
  const world = worldWithPool();
  const vm = world.settled('vm', { pool: 'nfs' });
  const peer = vm.host === 'a' ? 'b' : 'a';
  world.run(migrateOf(world, vm, 'cold', peer));
  t.match(world.refused(update({ hosts: [vm.host as string] })), { metadata: { host: peer } });
});

test('a pool is never smaller than what is held of it, and grows when there is more', async (t) => {
  const world = worldWithPool();
  world.settled('vm', { pool: 'nfs', diskMib: 3000 });
  t.match(world.refused(update({ capacityMib: 2999 })), {
    kind: 'precondition',
    reason: 'STORAGE_POOL_CLAIMED',
    metadata: { claimedMib: '3000' },
  });
  world.run(update({ capacityMib: 3000 }));
  const more = world.createOf([world.newVm('more', { pool: 'nfs', diskMib: 100 })]);
  t.match(world.refused(more), { reason: 'POOL_FULL' });
  world.run(update({ capacityMib: 9000 }));
  t.ok(world.vm('more', { pool: 'nfs', diskMib: 6000 }));
});

test('a host that is not heard of leaves no pool, nor is retired out of one, until it is proven to be off', async (t) => {
  const world = worldWithPool();
  world.run({ type: 'host.disconnected', id: 'a', reason: 'the stream ended' });
  world.run({ type: 'host.lapsed', id: 'a', reason: 'its lease ended' });
  const retire = { type: 'host.retire', id: 'a', etag: '' } as const;
  for (const command of [update({ hosts: ['b'] }), retire]) {
    t.match(world.refused(command), { reason: 'HOST_NOT_HEARD', message: /may run from a storage pool/ });
  }
  world.run({ type: 'host.fence_confirm', id: 'a', reason: 'seen' });
  world.run(update({ hosts: ['b'] }));
  t.equal(world.run(retire).state, 'retired');
});

test('a host that is retired leaves its pools', async (t) => {
  const world = worldWithPool();
  world.run({ type: 'host.retire', id: 'a', etag: '' });
  t.match(world.state.pools.get('nfs'), { hosts: ['b'] });
  world.run({ type: 'host.retire', id: 'b', etag: '' });
  t.match(world.state.pools.get('nfs'), { hosts: [] });
  t.match(world.refused(world.createOf([world.newVm('vm', { pool: 'nfs' })])), { kind: 'exhausted' });
  world.run(update({ hosts: ['c'] }));
  t.equal(world.vm('vm', { pool: 'nfs' }).host, 'c');
});
