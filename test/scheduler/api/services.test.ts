import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { report } from './agent.js';
import type { StoragePool } from '../../../proto/gen/secovia/v1/StoragePool.js';
import { adm, Federation, newVm, tinyImage } from './federation.js';

const federation = await Federation.start(tap);
const { api } = federation;

test('sites, through every call', async (t) => {
  const site = { title: 'Split', partner: 'city', country: 'HR', jurisdictions: ['EU', 'EU', 'EEA'] };
  const created = await api.call('CreateSite', { siteId: 'split', site });
  t.match(created.site, {
    name: 'sites/split',
    title: 'Split',
    partner: 'city',
    country: 'HR',
    jurisdictions: ['EU', 'EEA'],
    cordoned: false,
    hostCount: 0,
    etag: '"1"',
  });
  t.ok(created.site?.createTime?.seconds);
  t.same(await api.call('GetSite', { name: 'sites/split' }), created);
  const { sites } = await api.call('ListSites', {});
  t.same(
    sites.map(({ name }) => name),
    ['sites/split', 'sites/zagreb'],
  );
  const mask = { paths: ['title'] };
  const updated = await api.call('UpdateSite', {
    site: { name: 'sites/split', title: 'New', etag: '"1"' },
    updateMask: mask,
  });
  t.match(updated.site, { title: 'New', jurisdictions: ['EU', 'EEA'], etag: '"2"' });
  t.equal((await api.call('CordonSite', { name: 'sites/split' })).site?.cordoned, true);
  t.equal((await api.call('UncordonSite', { name: 'sites/split' })).site?.cordoned, false);
  t.same(await api.call('DeleteSite', { name: 'sites/split', etag: '"4"' }), {});
  t.match(await api.fails('GetSite', { name: 'sites/split' }), {
    code: status.NOT_FOUND,
    reason: 'SITE_NOT_FOUND',
    details: { resource: { type: 'site', name: 'sites/split' } },
  });
});

test('administrations, through every call', async (t) => {
  const administration = { title: 'Općina', country: 'HR', parent: adm };
  const created = await api.call('CreateAdministration', { administrationId: 'town', administration });
  t.match(created.administration, {
    name: 'administrations/town',
    title: 'Općina',
    parent: adm,
    claimed: { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 },
  });
  t.same(await api.call('GetAdministration', { name: 'administrations/town' }), created);
  const { administrations } = await api.call('ListAdministrations', {});
  t.same(
    administrations.map(({ name }) => name),
    [adm, 'administrations/town'],
  );
  t.match(await api.fails('DeleteAdministration', { name: adm }), {
    code: status.FAILED_PRECONDITION,
    reason: 'ADMINISTRATION_IN_USE',
    details: {
      errorInfo: { metadata: { children: '1', vms: '0' } },
      preconditions: [{ type: 'ADMINISTRATION_IN_USE' }],
    },
  });
  t.same(await api.call('DeleteAdministration', { name: 'administrations/town' }), {});
});

test('images, through every call', async (t) => {
  const { image } = await api.call('GetImage', { name: 'images/tiny' });
  t.match(image, { ...tinyImage, name: 'images/tiny', etag: '"1"' });
  const big = { ...tinyImage, format: 'IMAGE_FORMAT_RAW' as const, sizeBytes: 2 ** 45 };
  const created = await api.call('CreateImage', { imageId: 'big', image: big });
  t.equal(created.image?.sizeBytes, 2 ** 45, 'sizes beyond 32 bits survive');
  const { images } = await api.call('ListImages', {});
  t.same(
    images.map(({ name }) => name),
    ['images/big', 'images/tiny'],
  );
  t.same(await api.call('DeleteImage', { name: 'images/big' }), {});
  t.match(await api.fails('CreateImage', { imageId: 'tiny', image: tinyImage }), {
    code: status.ALREADY_EXISTS,
    reason: 'IMAGE_EXISTS',
  });
});

test('hosts, through every call', async (t) => {
  const joined = await api.call('Join', {
    hostId: 'a.zagreb',
    site: 'sites/zagreb',
    rack: 'r1',
    machineId: '0'.repeat(32),
  });
  t.match(joined, { federation: 'secovia', host: { name: 'hosts/a.zagreb', state: 'HOST_STATE_JOINED' } });
  t.ok(joined.checkpointKey.length > 0);
  const agent = await federation.host('b', { report: { ...report, foreignDomains: 3, orphans: ['x'] } });
  await agent.heard.next('a lease', ({ message }) => message === 'leaseGrant');
  const { host } = await api.call('GetHost', { name: 'hosts/b' });
  t.match(host, {
    name: 'hosts/b',
    site: 'sites/zagreb',
    state: 'HOST_STATE_READY',
    stateReason: '',
    capacity: { vcpus: 64, memoryMib: 65_536 },
    claimed: { vcpus: 0, vms: 0 },
    inventory: { architecture: 'x86_64' },
    foreignDomains: 3,
    orphans: ['x'],
  });
  t.ok(host?.leaseExpireTime, 'it holds a lease');
  t.ok(host?.connectTime);
  const { hosts } = await api.call('ListHosts', { filter: 'state = READY' });
  t.same(
    hosts.map(({ name }) => name),
    ['hosts/b'],
  );
  t.equal((await api.call('CordonHost', { name: 'hosts/b' })).host?.cordoned, true);
  t.equal((await api.call('UncordonHost', { name: 'hosts/b' })).host?.cordoned, false);
  t.equal((await api.call('RetireHost', { name: 'hosts/b' })).host?.state, 'HOST_STATE_RETIRED');
  t.match(await agent.heard.next('Rejected', ({ rejected }) => rejected != null), {
    rejected: { reason: 'HOST_RETIRED', retryable: false },
  });
  const { federation: summary } = await api.call('GetFederation', {});
  t.match(summary, { hostCount: 1, readyHostCount: 0, siteCount: 1, vmCount: 0, title: 'secovia' });
  await api.call('RetireHost', { name: 'hosts/a.zagreb' });
});

test('a VM for which there is no host is refused with every reason, and with a delay when waiting may help', async (t) => {
  t.match(await api.fails('CreateVm', newVm('vm')), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'NO_HOST',
    message: /there are no hosts/,
  });
  const agent = await federation.host('early');
  agent.close();
  await federation.hostBecomes('early', 'HOST_STATE_SUSPECT');
  t.match(await api.fails('CreateVm', newVm('vm')), {
    code: status.UNAVAILABLE,
    reason: 'NO_HOST',
    details: { errorInfo: { metadata: { HOST_NOT_CONNECTED: '1', hosts: '1' } }, retryDelayMs: 2000 },
  });
  await api.call('RetireHost', { name: 'hosts/early' });
});

test('storage pools, through every call', async (t) => {
  await federation.host('a', { obeys: true });
  const storagePool: StoragePool = {
    kind: 'STORAGE_POOL_KIND_SHARED',
    site: 'sites/zagreb',
    path: '/srv/nfs',
    hosts: ['hosts/a', 'hosts/a'],
    capacityMib: 1000,
  };
  const created = await api.call('CreateStoragePool', { storagePoolId: 'nfs', storagePool });
  t.match(created.storagePool, { name: 'storagePools/nfs', hosts: ['hosts/a'], claimedMib: 0, etag: '"1"' });
  const spec = {
    vcpus: 1,
    memoryMib: 128,
    diskMib: 600,
    image: 'images/tiny',
    storagePool: 'storagePools/nfs',
  };
  const vm = await federation.vm('vm', { spec });
  t.equal(vm.spec?.storagePool, 'storagePools/nfs');
  const { storagePool: found } = await api.call('GetStoragePool', { name: 'storagePools/nfs' });
  t.equal(found?.claimedMib, 600);
  t.match(await api.fails('CreateVm', newVm('more', { spec })), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'POOL_FULL',
    details: { errorInfo: { metadata: { leftMib: '400' } } },
  });
  t.match(await api.fails('DeleteStoragePool', { name: 'storagePools/nfs' }), {
    reason: 'STORAGE_POOL_IN_USE',
  });
  const update = { name: 'storagePools/nfs', capacityMib: 2000 };
  t.match(await api.call('UpdateStoragePool', { storagePool: update }), {
    storagePool: { capacityMib: 2000, hosts: ['hosts/a'], etag: '"2"' },
  });
  t.match(await api.fails('UpdateStoragePool', { storagePool: { ...update, etag: '"1"' } }), {
    code: status.ABORTED,
  });
  const nobody = { storagePool: { name: 'storagePools/nfs' }, updateMask: { paths: ['hosts'] } };
  t.match(await api.fails('UpdateStoragePool', nobody), {
    code: status.INVALID_ARGUMENT,
    message: /must name the hosts that mount it/,
  });
  await api.call('DeleteVm', { name: vm.name });
  await api.call('WaitOperation', { name: (await api.call('ListOperations', {})).operations[0]?.name ?? '' });
  t.same(await api.call('DeleteStoragePool', { name: 'storagePools/nfs' }), {});
  t.same((await api.call('ListStoragePools', {})).storagePools, []);
});

test('a VM, from its creation to its end, with an obedient agent', async (t) => {
  const created = await api.call('CreateVm', newVm('web', { title: 'Web', labels: { env: 'prod' } }));
  t.match(created, {
    vm: {
      name: `${adm}/vms/web`,
      title: 'Web',
      labels: { env: 'prod' },
      state: 'VM_STATE_PLACED',
      desiredPowerState: 'POWER_STATE_RUNNING',
      host: 'hosts/a',
      site: 'sites/zagreb',
      generation: 1,
      term: 1,
      policy: {
        onLeaseLoss: 'LEASE_LOSS_POLICY_KEEP',
        onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED',
      },
    },
    operation: { verb: 'create', state: 'OPERATION_STATE_RUNNING', done: false, targetCount: 1 },
  });
  const { name, uid, operation } = created.vm as { name: string; uid: string; operation: string };
  t.equal(operation, created.operation?.name);
  const done = await api.call('WaitOperation', { name: operation });
  t.match(done.operation, {
    state: 'OPERATION_STATE_SUCCEEDED',
    done: true,
    succeededCount: 1,
    targets: [`vms/${uid}`],
  });
  t.match(await federation.get(name), { state: 'VM_STATE_RUNNING', observedGeneration: 1, operation: '' });
  t.same(await federation.get(`vms/${uid.toUpperCase()}`), await federation.get(name));

  const settle = async (answer: { operation: { name: string } | null }) =>
    (await api.call('WaitOperation', { name: answer.operation?.name ?? '' })).operation;
  t.match(await settle(await api.call('RebootVm', { name })), { verb: 'reboot', succeededCount: 1 });
  const stopped = await api.call('StopVm', { name, mode: 'STOP_MODE_FORCE', gracePeriod: { seconds: 5 } });
  t.equal(stopped.vm?.state, 'VM_STATE_STOPPING');
  t.match(await settle(stopped), { verb: 'stop', succeededCount: 1 });
  t.match(await settle(await api.call('ResizeVm', { name, vcpus: 2, diskMib: 400 })), { verb: 'resize' });
  t.match(await federation.get(name), {
    spec: { vcpus: 2, memoryMib: 128, diskMib: 400 },
    currentSize: null,
    heldSize: null,
    restartRequired: false,
  });
  t.match(await settle(await api.call('StartVm', { name })), { verb: 'start', succeededCount: 1 });
  const update = await api.call('UpdateVm', {
    vm: { name, title: 'New', policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART' } },
  });
  t.match(update.vm, {
    title: 'New',
    labels: { env: 'prod' },
    policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART' },
  });
  const cleared = await api.call('UpdateVm', { vm: { name }, updateMask: { paths: ['labels', 'title'] } });
  t.match(cleared.vm, { title: '', labels: {} });
  const { host } = await api.call('GetHost', { name: 'hosts/a' });
  t.match(host?.claimed, { vcpus: 2, memoryMib: 128, diskMib: 400, vms: 1 });
  t.match(await settle(await api.call('DeleteVm', { name })), { verb: 'delete', succeededCount: 1 });
  t.match(await api.fails('GetVm', { name }), { code: status.NOT_FOUND, reason: 'VM_NOT_FOUND' });
});

test('a batch is created as a whole, and listed in order', async (t) => {
  const requests = Array.from({ length: 20 }, (_, index) => ({
    ...newVm(`vm-${index}`),
    parent: '',
    requestId: '',
  }));
  const { vms, operation } = await api.call('BatchCreateVms', { parent: adm, requests });
  t.same(
    vms.map(({ name }) => name),
    requests.map(({ vmId }) => `${adm}/vms/${vmId}`),
  );
  const waited = await api.call('WaitOperation', { name: operation?.name ?? '' });
  t.match(waited.operation, { succeededCount: 20, failedCount: 0, done: true });
  const listed = await api.call('ListVms', { parent: adm, filter: 'name: "/vm-"' });
  t.same(
    listed.vms.map(({ name, state }) => [name, state]),
    vms.map(({ name }) => [name, 'VM_STATE_RUNNING']),
  );
  const taken = {
    parent: adm,
    requests: [newVm('fresh'), newVm('vm-3')].map((one) => ({ ...one, requestId: '' })),
  };
  t.match(await api.fails('BatchCreateVms', taken), { code: status.ALREADY_EXISTS, reason: 'VM_EXISTS' });
  t.match(await api.fails('GetVm', { name: `${adm}/vms/fresh` }), { code: status.NOT_FOUND });
});

test('an etag protects from changing what one has not seen', async (t) => {
  const { name } = await federation.vm('etagged');
  const { etag } = await federation.becomes(name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  const { vm } = await api.call('UpdateVm', { vm: { name, title: 'one', etag } });
  t.match(await api.fails('UpdateVm', { vm: { name, title: 'two', etag } }), {
    code: status.ABORTED,
    reason: 'ETAG_MISMATCH',
    details: { errorInfo: { metadata: { current: vm?.etag } } },
  });
  for (const method of ['StartVm', 'StopVm', 'RebootVm', 'DeleteVm'] as const) {
    t.match(await api.fails(method, { name, etag }), { code: status.ABORTED }, method);
  }
  t.match(await api.fails('ResizeVm', { name, vcpus: 2, etag }), { code: status.ABORTED });
  t.ok(await api.call('StopVm', { name, etag: vm?.etag }));
});
