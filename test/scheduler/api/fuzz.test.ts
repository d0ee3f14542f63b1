import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescField, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import tap, { test } from 'tap';
import { descriptorSetPath } from '../../../proto/index.js';
import { holdsAsync } from '../holds.js';
import { machineIdOf } from './agent.js';
import { definitionOf, encode, type Failure, failureOf, type MethodName, methodNames } from './client.js';
import { adm, Federation, newVm, tinyImage } from './federation.js';

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
const baselines: Record<Exclude<MethodName, 'Link' | 'WatchVms' | 'ReportUsage' | 'SettleMonth'>, object> = {
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
  DeleteStoragePool: { name: 'storagePools/none', etag: '' },
  GetOperation: { name: 'operations/none' },
  ListOperations: { filter: 'done = true' },
  WaitOperation: { name: 'operations/none', timeout: { seconds: 1, nanos: 0 } },
  CancelOperation: { name: 'operations/none' },
  GetFederation: {},
  EndRecovery: { site: 'sites/zagreb' },
  CreateVm: {
    preemption: 'PREEMPTION_CONFIRM',
    displaced: [{ vm: 'vms/6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001', etag: '"999"' }],
    ...newVm('fuzzed', {
      title: 'x',
      priority: 'VM_PRIORITY_HIGH',
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
  Join: { hostId: 'fuzzed', site: 'sites/zagreb', rack: 'r', machineId: machineIdOf('fuzzed') },
};
type Fuzzed = keyof typeof baselines;
const methods = methodNames.filter((name): name is Fuzzed => name in baselines);

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath)));

function inputOf(method: string): DescMessage {
  const { path } = definitionOf(method);
  const [, service = ''] = path.split('/');
  const found = registry.getService(service)?.methods.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`no method ${path}`);
  return found.input;
}

const hostileTexts = [
  '',
  ' ',
  '-',
  '/',
  '//',
  'sites/',
  'sites/a/b',
  'administrations/adm/vms/',
  'administrations/-',
  '../../etc/passwd',
  "'; DROP TABLE vm; --",
  '<domain type="kvm">&amp;<![CDATA[x]]></domain>',
  '"\'`$(reboot)`',
  'a\nb',
  'a\r\nb: c',
  'a\0b',
  '\u001b[31mred',
  '\u202egnp.exe',
  '\u2066x\u2069',
  '\u200f',
  '\ud83d',
  '\u{1f600}'.repeat(300),
  'č'.repeat(201),
  '__proto__',
  'constructor',
  'sites/__proto__',
  'sites/constructor',
  'images/toString',
  'administrations/__proto__/vms/constructor',
  'A'.repeat(64),
  'a'.repeat(5000),
  `sites/${'a'.repeat(80_000)}`,
  `administrations/${'a'.repeat(20_000)}/vms/${'b'.repeat(20_000)}`,
  `"${'9'.repeat(20_000)}"`,
];
const hostileNumbers = [0, -0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 513, 63, 16_777_217, 67_108_865];
const hostileKeys = ['__proto__', 'constructor', 'toString', '', 'A', 'a b', 'ž', 'a\0', 'x'.repeat(10_000)];

type Path = (string | number)[];
/** A change of one field: where, and to what. */
interface Change {
  path: Path;
  value: unknown;
}

/** What may be put into a field, by its type. */
function hostileValues(field: DescField): unknown[] {
  switch (field.fieldKind) {
    case 'scalar':
      if (field.scalar === 9) return hostileTexts;
      if (field.scalar === 8) return [true, false];
      if (field.scalar === 12) return [Buffer.alloc(0), Buffer.alloc(100_000, 255)];
      return hostileNumbers;
    case 'enum':
      return [0, 99, -1, 2 ** 31 - 1];
    case 'message':
      return [null, {}];
    case 'map':
      return [
        {},
        ...hostileKeys.map((key) => Object.fromEntries([[key, 'x']])),
        ...hostileTexts.map((text) => ({ key: text })),
        Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 'x'])),
      ];
    case 'list':
      return [[], ...listsOf(field)];
  }
}

function listsOf(field: DescField & { fieldKind: 'list' }): unknown[] {
  if (field.listKind === 'scalar') {
    return [...hostileTexts.map((text) => [text]), Array.from({ length: 5000 }, () => 'x'), ['x', 'x']];
  }
  return [[{}], [{}, {}], Array.from({ length: 1001 }, () => ({}))];
}

/** Every field of a message that a request could carry, with the fields of its messages. */
function fieldsOf(message: DescMessage, at: Path = [], depth = 0): { path: Path; field: DescField }[] {
  return message.fields.flatMap((field) => {
    const path = [...at, field.localName];
    const own = [{ path, field }];
    if (depth > 3) return own;
    if (field.fieldKind === 'message') return [...own, ...fieldsOf(field.message, path, depth + 1)];
    if (field.fieldKind === 'list' && field.listKind === 'message') {
      return [...own, ...fieldsOf(field.message, [...path, 0], depth + 1)];
    }
    return own;
  });
}

function changed(request: object, { path, value }: Change): object {
  const copy = structuredClone(request) as Record<string, unknown>;
  let at: Record<string | number, unknown> = copy;
  for (const step of path.slice(0, -1)) {
    const next = at[step];
    if (typeof next !== 'object' || next === null)
      at[step] = typeof path[path.indexOf(step) + 1] === 'number' ? [] : {};
    at = at[step] as Record<string | number, unknown>;
  }
  at[path.at(-1) as string] = value;
  return copy;
}

const fine = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.ABORTED,
  status.RESOURCE_EXHAUSTED,
]);

/** The failure of a call, which must be of the right kind; null when it was accepted. */
async function attempt(method: Fuzzed, bytes: Buffer, what: string): Promise<Failure | null> {
  try {
    await api.bytes(method, bytes);
    return null;
  } catch (error) {
    const failure = failureOf(error as Parameters<typeof failureOf>[0]);
    const problem = wrong(failure);
    if (problem === null) return failure;
    throw new Error(`${method} ${what.slice(0, 300)}: ${problem}: ${JSON.stringify(failure).slice(0, 500)}`);
  }
}

/** Makes many calls at once: those that are refused must leave everything as it was. */
async function attemptAll(method: Fuzzed, calls: { bytes: Buffer; what: string }[]): Promise<Failure[]> {
  const before = await api.sequence();
  const outcomes = await Promise.all(calls.map(({ bytes, what }) => attempt(method, bytes, what)));
  const failures = outcomes.filter((outcome) => outcome !== null);
  const changes = (await api.sequence()) - before;
  if (changes > calls.length - failures.length) {
    throw new Error(
      `${method} ${calls[0]?.what}: ${changes} changes by ${calls.length - failures.length} calls`,
    );
  }
  return failures;
}

function wrong({ code, reason, message, details }: Failure): string | null {
  if (!fine.has(code)) {
    const unavailable = code === status.UNAVAILABLE && reason === 'NO_HOST';
    if (!unavailable) return `status ${status[code]}`;
  }
  if (reason === '') return 'no reason';
  if (message.length > 2000) return 'a message of a book';
  if (code === status.INVALID_ARGUMENT && reason === 'INVALID_FIELDS' && !details.fieldViolations?.length) {
    return 'no field is named';
  }
  if (code === status.NOT_FOUND && !details.resource?.type) return 'no resource is named';
  return null;
}

for (const method of methods) {
  test(`${method}: each field, filled with what it must not hold, is refused in words or does no harm`, async (t) => {
    let refused = 0;
    let tried = 0;
    const baseline = baselines[method];
    for (const { path, field } of fieldsOf(inputOf(method))) {
      const calls = hostileValues(field).map((value) => ({
        bytes: encode(method, changed(baseline, { path, value })),
        what: `${path.join('.')} = ${JSON.stringify(value)}`,
      }));
      tried += calls.length;
      refused += (await attemptAll(method, calls)).length;
    }
    t.ok(tried === 0 || refused > 0 || method === 'GetFederation', `${refused} of ${tried} were refused`);
  });
}

test('several things wrong at once are refused as well', async (t) => {
  const plan = fc.constantFrom(...methods).chain((method) => {
    const fields = fieldsOf(inputOf(method));
    if (fields.length === 0) return fc.constant({ method, changes: [] as Change[] });
    const change = fc
      .constantFrom(...fields)
      .chain(({ path, field }) => fc.constantFrom(...hostileValues(field)).map((value) => ({ path, value })));
    return fc.record({
      method: fc.constant(method),
      changes: fc.array(change, { minLength: 2, maxLength: 5 }),
    });
  });
  await holdsAsync(
    t,
    fc.asyncProperty(plan, async ({ method, changes }) => {
      const request = changes.reduce(changed, baselines[method]);
      await attemptAll(method, [{ bytes: encode(method, request), what: JSON.stringify(changes) }]);
    }),
    200,
  );
});

test('bytes that are no message are refused as such', async (t) => {
  const cases = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ how: 'random', bytes: Buffer.from(bytes), cut: 0 })),
    fc.nat(200).map((cut) => ({ how: 'cut', bytes: Buffer.alloc(0), cut })),
    fc
      .tuple(fc.nat(200), fc.nat(255))
      .map(([cut, byte]) => ({ how: 'flipped', bytes: Buffer.from([byte]), cut })),
  );
  let malformed = 0;
  await holdsAsync(
    t,
    fc.asyncProperty(fc.constantFrom(...methods), cases, async (method, { how, bytes, cut }) => {
      const good = encode(method, baselines[method]);
      const at = good.length === 0 ? 0 : cut % good.length;
      const broken = Buffer.from(good);
      if (how === 'flipped' && good.length > 0) broken[at] = bytes[0] as number;
      const sent = how === 'random' ? bytes : how === 'cut' ? good.subarray(0, at) : broken;
      const [failure] = await attemptAll(method, [{ bytes: sent, what: `${how} ${sent.toString('hex')}` }]);
      if (failure?.reason === 'MALFORMED') malformed += 1;
    }),
    300,
  );
  t.ok(malformed > 0, `${malformed} were malformed`);
});

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
