import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { machineIdOf } from './agent.js';
import type { MethodName } from './client.js';
import { adm, Federation, newVm, tinyImage } from './federation.js';
import { fuzz } from './fuzzing.js';
import type { TenancyMethod } from './tenancy-baselines.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const agent = await federation.host('a', { obeys: true });
await federation.join('b');
for (const id of ['running', 'stopped']) await federation.vm(id, { labels: { env: 'prod' } });
await api.call('StopVm', { name: `${adm}/vms/stopped` });
await federation.becomes(`${adm}/vms/stopped`, 'stops', ({ state }) => state === 'VM_STATE_STOPPED');
await federation.becomes(`${adm}/vms/running`, 'runs', ({ operation }) => operation === '');
// From here on nothing may change that the tests did not ask for.
agent.close();
await federation.hostBecomes('a', 'HOST_STATE_SUSPECT');

const running = `${adm}/vms/running`;
const stopped = `${adm}/vms/stopped`;

/** Everything that can be wished for at once. */
const fullPlacement = {
  sites: ['sites/zagreb'],
  countries: ['HR'],
  excludedHosts: ['hosts/b'],
  jurisdictions: ['EU'],
  requiredTraits: ['cpu:avx2'],
  forbiddenTraits: ['old'],
  preferredTraits: ['ssd'],
  groups: [{ group: 'web', policy: 'GROUP_POLICY_SPREAD', scope: 'GROUP_SCOPE_RACK', maxSkew: 2 } as const],
  preferredSites: ['sites/zagreb'],
  preferredSitesInOrder: true,
  preferCheap: true,
};

/** And of the machine. */
const fullSpec = {
  ...newVm('').vm?.spec,
  extras: { 'gpu:a30': 1, 'sriov-vf': 2 },
  vcpus: 2,
  memoryMib: 1024,
  hugepageSizeKib: 2048,
  numa: { cells: 2, dedicatedCpus: true },
};

/** A request of every method that would be in order, or nearly: what is changed in it is what is wrong. */
const baselines: Record<
  Exclude<
    MethodName,
    'Link' | 'WatchVms' | 'ReportUsage' | 'SettleMonth' | 'ExportAudit' | 'WatchEvents' | TenancyMethod
  >,
  object
> = {
  CreateSite: {
    siteId: 'fuzzed',
    site: {
      title: 'x',
      partner: 'p',
      country: 'HR',
      jurisdictions: ['EU'],
      vcpuOvercommitPercent: 200,
      keepFailoverRoom: true,
      priceTier: 3,
    },
  },
  GetSite: { name: 'sites/zagreb' },
  ListSites: { pageSize: 10, pageToken: '' },
  UpdateSite: {
    site: {
      name: 'sites/zagreb',
      title: 'x',
      vcpuOvercommitPercent: 200,
      keepFailoverRoom: true,
      priceTier: 3,
      etag: '"99"',
    },
    updateMask: { paths: ['title', 'vcpu_overcommit_percent', 'keep_failover_room'] },
  },
  CordonSite: { name: 'sites/none' },
  UncordonSite: { name: 'sites/zagreb' },
  DeleteSite: { name: 'sites/zagreb', etag: '"9"' },
  GetHost: { name: 'hosts/a' },
  ListHosts: { filter: 'state = READY', pageSize: 5 },
  CordonHost: { name: 'hosts/none' },
  UncordonHost: { name: 'hosts/a' },
  UpdateHost: {
    host: {
      name: 'hosts/a',
      traits: ['ssd'],
      dedicatedTo: adm,
      vcpuOvercommitPercent: 200,
      etag: '"99"',
    },
    updateMask: { paths: ['traits', 'dedicated_to', 'vcpu_overcommit_percent'] },
  },
  RetireHost: { name: 'hosts/a', etag: '' },
  DrainHost: { name: 'hosts/none', deadline: { seconds: 4_000_000_000, nanos: 0 } },
  PauseDrain: { name: 'hosts/none' },
  ResumeDrain: { name: 'hosts/none' },
  UndrainHost: { name: 'hosts/none' },
  MigrateVm: {
    name: `${adm}/vms/none`,
    host: 'hosts/b',
    mode: 'MIGRATION_MODE_COLD',
    gracePeriod: { seconds: 5, nanos: 0 },
  },
  CreateAdministration: {
    administrationId: 'fuzzed',
    administration: { title: 'x', country: 'HR', parent: adm },
  },
  GetAdministration: { name: adm },
  ListAdministrations: { pageSize: 5 },
  DeleteAdministration: { name: adm, etag: '' },
  CreateImage: { imageId: 'fuzzed', image: { ...tinyImage, title: 'x' } },
  GetImage: { name: 'images/tiny' },
  ListImages: { pageSize: 5 },
  DeleteImage: { name: 'images/none', etag: '' },
  CreateStoragePool: {
    storagePoolId: 'fuzzed',
    storagePool: {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: 'sites/zagreb',
      path: '/srv/x',
      hosts: ['hosts/a'],
      capacityMib: 100,
    },
  },
  GetStoragePool: { name: 'storagePools/none' },
  ListStoragePools: { pageSize: 5 },
  UpdateStoragePool: {
    storagePool: { name: 'storagePools/none', hosts: ['hosts/a'], capacityMib: 100, etag: '"99"' },
    updateMask: { paths: ['hosts', 'capacity_mib'] },
  },
  DeleteStoragePool: { name: 'storagePools/none', etag: '' },
  GetOperation: { name: 'operations/none' },
  ListOperations: { filter: 'done = true' },
  WaitOperation: { name: 'operations/none', timeout: { seconds: 1, nanos: 0 } },
  CancelOperation: { name: 'operations/none' },
  GetFederation: {},
  ListAuditEntries: { filter: 'sequence > 1', pageSize: 3, pageToken: '' },
  GetAuditKey: {},
  ListAlarms: { filter: 'severity = CRITICAL', pageSize: 3, pageToken: '' },
  ListEvents: { about: 'hosts/a', filter: 'code = HOST_STATE', pageSize: 3, pageToken: '' },
  EndRecovery: { site: 'sites/zagreb' },
  CreateVm: {
    preemption: 'PREEMPTION_CONFIRM',
    displaced: [{ vm: 'vms/6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001', etag: '"999"' }],
    ...newVm('fuzzed', {
      title: 'x',
      priority: 'VM_PRIORITY_HIGH',
      dataClass: 'dataClasses/internal',
      labels: { a: 'b' },
      policy: { onLeaseLoss: 'LEASE_LOSS_POLICY_KEEP', onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART' },
      spec: fullSpec,
      placement: fullPlacement,
      desiredPowerState: 'POWER_STATE_RUNNING',
    }),
  },
  BatchCreateVms: {
    parent: adm,
    requests: [
      { ...newVm('fuzzed-1', { labels: { a: 'b' } }), parent: '', requestId: '' },
      { ...newVm('fuzzed-2'), parent: adm, requestId: '' },
    ],
    mode: 'BATCH_MODE_BEST_EFFORT',
  },
  GetVm: { name: running },
  ListVms: { parent: adm, filter: 'labels.env = prod', pageSize: 5 },
  UpdateVm: {
    vm: {
      name: running,
      title: 'x',
      dataClass: 'dataClasses/internal',
      labels: { a: 'b' },
      policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART' },
      etag: '"999"',
    },
    updateMask: { paths: ['title', 'labels', 'policy'] },
  },
  ResizeVm: { name: stopped, vcpus: 2, memoryMib: 256, diskMib: 300, etag: '"999"' },
  StartVm: { name: stopped, etag: '"999"' },
  StopVm: { name: running, mode: 'STOP_MODE_GRACEFUL', gracePeriod: { seconds: 5, nanos: 1 }, etag: '"999"' },
  RebootVm: { name: running, mode: 'REBOOT_MODE_FORCE', etag: '"999"' },
  AdoptVm: {
    parent: adm,
    vmId: 'adopted',
    host: 'hosts/fuzzed-host',
    orphan: '00000000-0000-4000-8000-000000000000',
    vm: { title: 'x', spec: { vcpus: 1, memoryMib: 128, image: 'images/tiny' }, placement: fullPlacement },
  },
  DeleteVm: { name: running, etag: '"999"' },
  ExplainPlacement: {
    parent: adm,
    vm: { ...newVm('').vm, name: `${adm}/vms/asked`, spec: fullSpec, placement: fullPlacement },
  },
  EstimateCapacity: {
    parent: adm,
    vm: { ...newVm('').vm, spec: fullSpec, placement: fullPlacement },
    limit: 5,
  },
  QuarantineHost: { name: 'hosts/fuzzed-host', reason: 'fuzzing' },
  ReleaseHost: { name: 'hosts/fuzzed-host' },
  RevokeHost: { name: 'hosts/fuzzed-host', reason: 'fuzzing' },
  FenceHost: { name: 'hosts/fuzzed-host', reason: 'fuzzing' },
  ConfirmFence: { name: 'hosts/fuzzed-host', reason: 'fuzzing' },
  EvacuateHost: { name: 'hosts/fuzzed-host' },
  RemoveOrphan: { name: 'hosts/fuzzed-host', orphan: '00000000-0000-4000-8000-000000000000' },
  GetCaller: {},
  CreateIdentity: {
    identityId: 'fuzzed',
    identity: { title: 'x', role: 'ROLE_PARTNER_OPERATOR', partner: 'partners/p' },
  },
  GetIdentity: { name: 'identities/none' },
  ListIdentities: { filter: 'role = AUDITOR', pageSize: 5 },
  UpdateIdentity: {
    identity: { name: 'identities/none', title: 'x', disabled: true, etag: '"9"' },
    updateMask: { paths: ['title', 'disabled'] },
  },
  DeleteIdentity: { name: 'identities/none', etag: '"9"' },
  IssueCertificate: { name: 'identities/none', signingRequest: Buffer.from('no request'), days: 3 },
  RevokeCertificates: { name: 'identities/none', serials: ['3f9c0a'] },
  CreateJoinToken: { site: 'sites/zagreb', ttlSeconds: 600, uses: 2 },
  ListJoinTokens: { pageSize: 10, pageToken: '' },
  DeleteJoinToken: { name: 'joinTokens/t0123456789ab' },
  RenewCertificate: { signingRequest: Buffer.from('no request') },
  Join: { hostId: 'fuzzed', site: 'sites/zagreb', rack: 'r', machineId: machineIdOf('fuzzed') },
};
const attemptAll = fuzz(api, baselines);
test('deep nesting, endless groups and false lengths are refused', async (t) => {
  const nested = (depth: number) => {
    let bytes = Buffer.alloc(0);
    for (let level = 0; level < depth; level += 1) {
      const length: number[] = [];
      let rest = bytes.length;
      do {
        length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>>= 7;
      } while (rest > 0);
      bytes = Buffer.concat([Buffer.from([0x1a, ...length]), bytes]);
    }
    return bytes;
  };
  for (const [what, bytes] of [
    ['a length beyond the end', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])],
    ['an endless varint', Buffer.alloc(100, 0xff)],
    ['an unfinished group', Buffer.alloc(10_000, 0x0b)],
    ['an unknown wire type', Buffer.from([0x0e, 0x00])],
    ['field number 0', Buffer.from([0x00, 0x01])],
  ] as const) {
    t.match(await api.failsBytes('CreateVm', bytes), { code: status.INVALID_ARGUMENT }, what);
  }
  t.equal((await attemptAll('CreateVm', [{ bytes: nested(5000), what: 'nested' }])).length, 1);
});

test('messages that are too long are refused by the wire', async (t) => {
  const long = 'x'.repeat(17 * 2 ** 20);
  for (const [method, request] of [
    ['CreateSite', { siteId: 'long', site: { title: long, partner: 'p', country: 'HR' } }],
    ['CreateVm', newVm('long', { title: long })],
    ['CreateVm', newVm('long', { labels: { long } })],
    ['GetVm', { name: long }],
    ['ListVms', { filter: long }],
    ['Join', { hostId: long, site: 'sites/zagreb', machineId: '0'.repeat(32) }],
  ] as const) {
    const before = await api.sequence();
    t.match(await api.fails(method, request), { code: status.RESOURCE_EXHAUSTED }, method);
    t.equal(await api.sequence(), before);
  }
});

test('huge batches are refused whole', async (t) => {
  const requests = Array.from({ length: 10_001 }, (_, index) => ({
    ...newVm(`h-${index}`),
    parent: '',
    requestId: '',
  }));
  t.match(await api.fails('BatchCreateVms', { parent: adm, requests }), {
    code: status.INVALID_ARGUMENT,
    details: { fieldViolations: [{ field: 'requests' }] },
  });
  const bad = requests.slice(0, 10_000).map((one) => ({ ...one, vmId: 'NOT GOOD', vm: { spec: {} } }));
  const failure = await api.fails('BatchCreateVms', { parent: adm, requests: bad });
  t.match(failure, { code: status.INVALID_ARGUMENT, reason: 'INVALID_FIELDS' });
  t.ok((failure.details.fieldViolations?.length ?? 0) > 1, 'more than one is told');
  t.ok(failure.message.length < 2000, 'and not all thousands');
});

test('labels with names of the language’s own objects are refused, or kept as what they are', async (t) => {
  t.match(
    await api.fails('CreateVm', newVm('poisoned', { labels: Object.fromEntries([['__proto__', 'x']]) })),
    {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: /__proto__/ }] },
    },
  );
  // The first site may keep what it has free by now.
  await federation.site('calm');
  const again = await federation.host('roomy', { site: 'calm' });
  const vm = await federation.vm('innocent', { labels: { constructor: 'x', prototype: 'y' } });
  t.same({ ...vm.labels }, { constructor: 'x', prototype: 'y' });
  await scheduler.restart();
  t.same({ ...(await federation.get(vm.name)).labels }, { constructor: 'x', prototype: 'y' });
  t.same(
    (await api.call('ListVms', { filter: 'labels.constructor:*' })).vms.map(({ name }) => name),
    [vm.name],
  );
  again.cut();
});
