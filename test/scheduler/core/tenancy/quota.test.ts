import { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import { verifyTenancy } from '../../../../scheduler/core/tenancy/verify.js';
import type { World } from '../world.js';
import { create, everywhere, openAll, quota, threeCountries } from './federation.js';

const usedBy = (world: World, administration: string) =>
  world.state.tenancy.quotaUse({ administration, scope: everywhere } as never).used;

test('a limit holds for the whole subtree, and the refusal names the first level that is used up', async (t) => {
  const world = threeCountries();
  quota(world, 'croatia', { vcpus: 10 });
  quota(world, 'pula', { vcpus: 8 });
  t.equal(create(world, 'pula', 'a', { vcpus: 6 }), 'zagreb-1');
  t.match(create(world, 'pula', 'b', { vcpus: 3 }), {
    kind: 'exhausted',
    reason: 'QUOTA_EXCEEDED',
    message:
      /administration "pula" may use 8 vCPUs everywhere and uses 6: 3 vCPUs more would make 9; ask for at most 2/,
    quota: [{ subject: 'administrations/pula/quotas/everywhere' }],
  });
  t.equal(create(world, 'istria', 'c', { vcpus: 4 }), 'zagreb-1');
  t.match(create(world, 'pula', 'd', { vcpus: 1 }), {
    quota: [{ subject: 'administrations/croatia/quotas/everywhere' }],
    metadata: { limit: '10', used: '10', more: '1', left: '0' },
  });
});

test('every resource has its limit, counted extras too', async (t) => {
  const world = threeCountries();
  world.hello('zagreb-1', {
    capacity: { vcpus: 64, memoryMib: 65_536, diskMib: 10 ** 6, vms: 100, extras: { 'gpu:a30': 4 } },
  });
  const reached = (limit: object, change: object) => {
    quota(world, 'pula', limit);
    const refusal = create(world, 'pula', 'x', change);
    return typeof refusal === 'string' ? refusal : refusal.metadata['resource'];
  };
  t.equal(reached({ memoryMib: 1023 }, {}), 'memoryMib');
  t.equal(reached({ diskMib: 999 }, {}), 'diskMib');
  t.equal(reached({ vms: 0 }, {}), 'vms');
  t.equal(reached({ extras: { 'gpu:a30': 1 } }, { extras: { 'gpu:a30': 2 } }), 'gpu:a30');
  t.equal(reached({ extras: { 'gpu:a30': 2 } }, { extras: { 'gpu:a30': 2 } }), 'zagreb-1');
});

test('a limit in a country or on a site sends VMs elsewhere, and refuses only what can go nowhere', async (t) => {
  const world = threeCountries();
  openAll(world);
  quota(world, 'croatia', { vms: 1 }, { kind: 'country', country: 'SI' });
  quota(world, 'croatia', { vms: 1 }, { kind: 'site', site: 'zagreb' });
  const hosts = ['a', 'b', 'c'].map((id) => create(world, 'pula', id));
  t.same(hosts, ['ljubljana-1', 'skopje-1', 'skopje-1']);
  const only = (sites: string[]) => ({ placement: { sites, countries: [], excludedHosts: [] } });
  t.match(create(world, 'pula', 'd', only(['ljubljana'])), {
    reason: 'QUOTA_EXCEEDED',
    message: /1 is where a quota is used up.*may use 1 VM in SI and uses 1/,
    quota: [{ subject: 'administrations/croatia/quotas/country-si' }],
  });
  t.equal(create(world, 'pula', 'e', only(['zagreb'])), 'zagreb-1');
});

test('a batch counts what the VMs before took, and a refused one leaves nothing behind', async (t) => {
  const world = threeCountries();
  quota(world, 'pula', { vms: 3 });
  const batch = (count: number) =>
    world.createOf(
      Array.from({ length: count }, (_, at) => world.newVm(`b${at}-${world.state.sequence}`)),
      'pula',
    );
  t.match(world.refused(batch(4)), { reason: 'QUOTA_EXCEEDED' });
  t.equal(usedBy(world, 'pula').vms, 0);
  const { vms, refused } = world.run({ ...batch(5), bestEffort: true });
  t.equal(vms.length, 3);
  t.match(refused, [{ refusal: { reason: 'QUOTA_EXCEEDED' } }, { refusal: { reason: 'QUOTA_EXCEEDED' } }]);
  t.equal(usedBy(world, 'pula').vms, 3);
});

test('lowering a limit under what is used is allowed, and blocks growth alone', async (t) => {
  const world = threeCountries();
  create(world, 'pula', 'a', { vcpus: 4 });
  quota(world, 'pula', { vcpus: 2 });
  const vm = world.state.vmByName('pula', 'a') as Vm;
  t.same(verifyTenancy(world.state).exceeded, ['administrations/pula/quotas/everywhere']);
  t.match(create(world, 'pula', 'b', { vcpus: 1 }), { reason: 'QUOTA_EXCEEDED' });
  world.see(vm, 'running');
  world.stop(vm);
  world.see(vm, 'stopped');
  t.match(world.start(vm), { operation: { state: 'running' } }, 'it may start again with what it holds');
  world.see(vm, 'running');
  world.stop(vm);
  world.see(vm, 'stopped');
  t.match(world.refused(world.resizeOf(vm, { vcpus: 5 })), { reason: 'QUOTA_EXCEEDED' });
  t.ok(world.run(world.resizeOf(vm, { vcpus: 2 })));
});

test('what is deleted, or was refused everywhere, counts no more', async (t) => {
  const world = threeCountries();
  quota(world, 'pula', { vms: 1 });
  create(world, 'pula', 'a');
  const vm = world.state.vmByName('pula', 'a') as Vm;
  world.see(vm, 'refused');
  t.match(world.state.vmByName('pula', 'a'), { host: null, state: 'failed' });
  t.equal(usedBy(world, 'pula').vms, 0, 'no corpse holds a claim');
  t.equal(create(world, 'pula', 'b'), 'zagreb-1');
  t.match(
    world.refused(world.startOf(vm)),
    { reason: 'QUOTA_EXCEEDED' },
    'the failed one has to find room again',
  );
  const second = world.state.vmByName('pula', 'b') as Vm;
  world.delete(second);
  t.equal(usedBy(world, 'pula').vms, 1, 'until it is seen gone');
  world.see(second, 'absent');
  t.equal(usedBy(world, 'pula').vms, 0);
});

test('a VM that a host refused is counted once while another host has it', async (t) => {
  const world = threeCountries();
  world.host('zagreb-2', 'zagreb');
  quota(world, 'pula', { vms: 1 });
  create(world, 'pula', 'a');
  const vm = world.state.vmByName('pula', 'a') as Vm;
  const first = vm.host;
  world.see(vm, 'refused');
  t.not(vm.host, first);
  t.not(vm.host, null, 'the full quota is no reason: it holds no more than before');
  t.equal(usedBy(world, 'pula').vms, 1);
});

test('an administration that moves takes what it holds along, and is refused where that is too much', async (t) => {
  const world = threeCountries();
  world.administration('dalmatia', 'croatia');
  quota(world, 'dalmatia', { vms: 1 });
  quota(world, 'croatia', { vms: 5 });
  create(world, 'pula', 'a');
  create(world, 'pula', 'b');
  const move = (id: string, parent: string | null) =>
    ({ type: 'administration.move', id, parent, etag: '' }) as const;
  t.match(world.refused(move('pula', 'dalmatia')), {
    reason: 'QUOTA_EXCEEDED',
    metadata: { subject: 'administrations/dalmatia/quotas/everywhere' },
  });
  quota(world, 'dalmatia', { vms: 2 });
  world.run(move('pula', 'dalmatia'));
  t.equal(usedBy(world, 'dalmatia').vms, 2);
  t.equal(usedBy(world, 'croatia').vms, 2, 'which was above it before, and counts it once');
  t.match(world.refused(move('dalmatia', 'pula')), { reason: 'TREE_LOOPS' });
  t.match(world.refused(move('dalmatia', 'dalmatia')), { reason: 'TREE_LOOPS' });
  world.run(move('dalmatia', null));
  t.equal(usedBy(world, 'croatia').vms, 0);
  t.same(verifyTenancy(world.state).differences, []);
});

test('a tree is at most eight deep, however it gets there', async (t) => {
  const world = threeCountries();
  let parent = 'pula';
  for (let level = 4; level <= 8; level += 1) {
    world.administration(`l${level}`, parent);
    parent = `l${level}`;
  }
  const child = { type: 'administration.create', id: 'l9', title: '', parent, country: 'HR' } as const;
  t.match(world.refused(child), { reason: 'TREE_TOO_DEEP' });
  world.administration('a');
  world.administration('b', 'a');
  t.match(world.refused({ type: 'administration.move', id: 'a', parent: 'l7', etag: '' }), {
    reason: 'TREE_TOO_DEEP',
  });
  t.ok(world.run({ type: 'administration.move', id: 'a', parent: 'l4', etag: '' }));
});

test('a suspended subtree makes, starts and enlarges nothing, and runs on', async (t) => {
  const world = threeCountries();
  create(world, 'pula', 'a');
  const vm = world.state.vmByName('pula', 'a') as Vm;
  world.see(vm, 'running');
  world.run({ type: 'administration.suspend', id: 'croatia', suspended: true });
  t.match(create(world, 'pula', 'b'), { kind: 'precondition', reason: 'ADMINISTRATION_SUSPENDED' });
  t.equal(create(world, 'slovenia', 'b'), 'ljubljana-1', 'others are not touched');
  t.match(vm, { state: 'running', desired: 'running' });
  world.stop(vm);
  world.see(vm, 'stopped');
  t.match(world.refused(world.startOf(vm)), { reason: 'ADMINISTRATION_SUSPENDED' });
  t.match(world.refused(world.resizeOf(vm, { vcpus: 2 })), { reason: 'ADMINISTRATION_SUSPENDED' });
  world.run({ type: 'administration.suspend', id: 'croatia', suspended: false });
  t.ok(world.start(vm));
});

test('an administration with quotas and rules is deleted with them, and not while something hangs on it', async (t) => {
  const world = threeCountries();
  quota(world, 'pula', { vms: 4 });
  quota(world, 'istria', { vms: 4 });
  const loan = { lender: 'istria', borrower: 'slovenia', scope: everywhere, amount: { vms: 1 } };
  quota(world, 'slovenia', { vms: 1 });
  world.run({ type: 'loan.create', id: 'l', ...loan, untilMs: world.nowMs + 1000, note: '' });
  world.run({ type: 'administration.delete', id: 'pula', etag: '' });
  t.notOk(world.state.tenancy.quotas.has('pula/everywhere'));
  const gone = world.refused({ type: 'administration.delete', id: 'istria', etag: '' });
  t.match(gone, { reason: 'ADMINISTRATION_IN_USE', message: /part of the active loan "l"/ });
  world.nowMs += 1000;
  t.ok('reply' in world.try({ type: 'administration.delete', id: 'istria', etag: '' }));
});

test('verification finds a sum that has drifted', async (t) => {
  const world = threeCountries();
  quota(world, 'pula', { vms: 4 });
  create(world, 'pula', 'a');
  t.same(verifyTenancy(world.state).differences, []);
  world.state.tenancy.tree
    .node('pula')
    .meters.get('everywhere')
    ?.used.add({ vcpus: 1, memoryMib: 0, diskMib: 0, vms: 0 }, 1);
  t.match(verifyTenancy(world.state).differences, [
    { name: 'administrations/pula/quotas/everywhere', kept: { vcpus: 2 }, addedUp: { vcpus: 1 } },
  ]);
});
