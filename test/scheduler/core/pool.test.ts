import { test } from 'tap';
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
