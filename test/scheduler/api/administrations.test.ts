import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;
await federation.host('a', { obeys: true });

const create = (administrationId: string, parent = '', country = 'HR') =>
  api.call('CreateAdministration', { administrationId, administration: { country, parent } });
const name = (id: string) => `administrations/${id}`;
const get = async (id: string) => (await api.call('GetAdministration', { name: name(id) })).administration;

test('an administration is renamed and told what its stopped VMs hold, and says so after a restart', async (t) => {
  await create('town');
  t.match(await get('town'), { suspended: false, stoppedVms: 'STOPPED_VM_POLICY_UNSPECIFIED' });
  const updated = await api.call('UpdateAdministration', {
    administration: { name: name('town'), title: 'Grad Ἀθῆναι', stoppedVms: 'STOPPED_VM_POLICY_FREE' },
  });
  t.match(updated.administration, {
    title: 'Grad Ἀθῆναι',
    stoppedVms: 'STOPPED_VM_POLICY_FREE',
    etag: '"2"',
  });
  await scheduler.restart();
  await federation.reconnect('a', { obeys: true });
  t.match(await get('town'), { title: 'Grad Ἀθῆναι', stoppedVms: 'STOPPED_VM_POLICY_FREE' });
  const masked = await api.call('UpdateAdministration', {
    administration: { name: name('town'), title: 'not read' },
    updateMask: { paths: ['stopped_vms'] },
  });
  t.match(masked.administration, {
    title: 'Grad Ἀθῆναι',
    stoppedVms: 'STOPPED_VM_POLICY_UNSPECIFIED',
  });
});

test('an update says what is wrong with it: field, mask and etag', async (t) => {
  const administration = { name: name('town') };
  t.match(await api.fails('UpdateAdministration', {}), {
    details: { fieldViolations: [{ field: 'administration', description: 'is missing' }] },
  });
  t.match(await api.fails('UpdateAdministration', { administration, updateMask: { paths: ['country'] } }), {
    details: { fieldViolations: [{ field: 'update_mask', description: /only title, stopped_vms can/ }] },
  });
  t.match(
    await api.fails('UpdateAdministration', {
      administration: { name: 'town', title: 'x'.repeat(201), stoppedVms: 9 as never },
    }),
    {
      code: status.INVALID_ARGUMENT,
      details: {
        fieldViolations: [
          { field: 'administration.name' },
          { field: 'administration.title' },
          { field: 'administration.stopped_vms', description: /STOPPED_VM_POLICY_KEEP/ },
        ],
      },
    },
  );
  t.match(
    await api.fails('UpdateAdministration', {
      administration: { ...administration, title: 'x', etag: '"1"' },
    }),
    { code: status.ABORTED, reason: 'ETAG_MISMATCH' },
  );
  t.match(await api.fails('UpdateAdministration', { administration: { name: name('none'), title: 'x' } }), {
    code: status.NOT_FOUND,
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
});

test('what stopped VMs hold is not said at creation', async (t) => {
  const administration = { country: 'HR', stoppedVms: 'STOPPED_VM_POLICY_FREE' } as const;
  t.match(await api.fails('CreateAdministration', { administrationId: 'free', administration }), {
    code: status.INVALID_ARGUMENT,
    details: {
      fieldViolations: [{ field: 'administration.stopped_vms', description: /UpdateAdministration/ }],
    },
  });
});

test('an administration moves with everything below it, and never below itself', async (t) => {
  await create('region');
  await create('county', name('region'));
  await create('village', name('county'));
  await create('other');
  const moved = await api.call('MoveAdministration', { name: name('county'), parent: name('other') });
  t.match(moved.administration, { parent: name('other'), etag: '"2"' });
  t.match(await get('village'), { parent: name('county') });
  t.match(await api.fails('MoveAdministration', { name: name('other'), parent: name('village') }), {
    code: status.FAILED_PRECONDITION,
    reason: 'TREE_LOOPS',
  });
  t.match(await api.fails('MoveAdministration', { name: name('county'), parent: name('none') }), {
    code: status.NOT_FOUND,
  });
  t.match(await api.fails('MoveAdministration', { name: name('county'), parent: '', etag: '"1"' }), {
    code: status.ABORTED,
  });
  t.match(await api.fails('MoveAdministration', { name: 'county', parent: 'region' }), {
    details: { fieldViolations: [{ field: 'name' }, { field: 'parent' }] },
  });
  t.match((await api.call('MoveAdministration', { name: name('county') })).administration, { parent: '' });
});

test('a move that would exceed a quota there is refused, with the quota and its numbers', async (t) => {
  await create('full');
  await create('mover');
  await api.call('SetQuota', { parent: name('full'), limit: { vcpus: 1 } });
  for (const vmId of ['one', 'two']) await api.call('CreateVm', { ...newVm(vmId), parent: name('mover') });
  t.match(await api.fails('MoveAdministration', { name: name('mover'), parent: name('full') }), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'QUOTA_EXCEEDED',
    details: { quota: [{ subject: 'administrations/full/quotas/everywhere', description: /2 vCPUs more/ }] },
  });
});

test('a suspended administration makes no VM, nor do those below it, until it is resumed', async (t) => {
  await create('parish', adm);
  const request = { ...newVm('new'), parent: name('parish') };
  const suspended = await api.call('SuspendAdministration', { name: adm });
  t.match(suspended.administration, { name: adm, suspended: true });
  t.match(await api.fails('CreateVm', request), {
    code: status.FAILED_PRECONDITION,
    reason: 'ADMINISTRATION_SUSPENDED',
    message: /secovia administration resume adm/,
  });
  t.match((await api.call('SuspendAdministration', { name: adm })).administration, { suspended: true });
  t.match((await api.call('ResumeAdministration', { name: adm })).administration, { suspended: false });
  t.ok(await api.call('CreateVm', request));
  for (const method of ['SuspendAdministration', 'ResumeAdministration'] as const) {
    t.match(await api.fails(method, { name: name('none') }), { code: status.NOT_FOUND });
    t.match(await api.fails(method, { name: 'none' }), { code: status.INVALID_ARGUMENT });
  }
});

test('a stopped VM is parked where its administration has it so, and takes its room again', async (t) => {
  await api.call('UpdateAdministration', {
    administration: { name: adm, stoppedVms: 'STOPPED_VM_POLICY_FREE' },
  });
  const vm = await federation.vm('sleeper');
  t.equal(vm.parked, false);
  await federation.becomes(vm.name, 'runs', ({ operation }) => operation === '');
  await api.call('StopVm', { name: vm.name });
  const stopped = await federation.becomes(vm.name, 'is parked', ({ parked }) => parked);
  t.equal(stopped.state, 'VM_STATE_STOPPED');
  t.equal((await api.call('StartVm', { name: vm.name })).vm?.parked, false);
});
