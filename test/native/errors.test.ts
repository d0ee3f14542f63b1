import { test } from 'tap';
import { type Connection, ErrorCode, openConnection } from '../../native/index.js';
import { domainXml, openTest, startMuteDaemon, uuidOf } from './opened.js';

const UUID = uuidOf(1);

/** Every call that asks the daemon something, by the name that its error must carry. */
const CALLS = {
  hostname: (c: Connection) => c.hostname(),
  libVersion: (c: Connection) => c.libVersion(),
  hypervisorVersion: (c: Connection) => c.hypervisorVersion(),
  capabilities: (c: Connection) => c.capabilities(),
  domainCapabilities: (c: Connection) => c.domainCapabilities({ arch: 'x86_64', virtType: 'kvm' }),
  nodeInfo: (c: Connection) => c.nodeInfo(),
  freeMemoryBytes: (c: Connection) => c.freeMemoryBytes(),
  cellsFreeMemoryBytes: (c: Connection) => c.cellsFreeMemoryBytes(0, 1),
  freePages: (c: Connection) => c.freePages([4], 0, 1),
  domainList: (c: Connection) => c.domainList(),
  domainDefine: (c: Connection) => c.domainDefine(domainXml('one', UUID)),
  domainCreate: (c: Connection) => c.domainCreate(UUID, { paused: true }),
  domainShutdown: (c: Connection) => c.domainShutdown(UUID, 'agent'),
  domainReboot: (c: Connection) => c.domainReboot(UUID, 'acpi'),
  domainReset: (c: Connection) => c.domainReset(UUID),
  domainDestroy: (c: Connection) => c.domainDestroy(UUID, { graceful: true }),
  domainSuspend: (c: Connection) => c.domainSuspend(UUID),
  domainResume: (c: Connection) => c.domainResume(UUID),
  domainUndefine: (c: Connection) => c.domainUndefine(UUID, { nvram: true, managedSave: true }),
  domainXml: (c: Connection) => c.domainXml(UUID),
  domainGetMetadata: (c: Connection) => c.domainGetMetadata(UUID, 'urn:x'),
  domainSetMetadata: (c: Connection) => c.domainSetMetadata(UUID, 'urn:x', 'x', '<x/>'),
  domainState: (c: Connection) => c.domainState(UUID),
  domainInfo: (c: Connection) => c.domainInfo(UUID),
  domainSetAutostart: (c: Connection) => c.domainSetAutostart(UUID, true),
  domainManagedSave: (c: Connection) => c.domainManagedSave(UUID),
  allDomainStats: (c: Connection) => c.allDomainStats(),
  domainSetVcpus: (c: Connection) => c.domainSetVcpus(UUID, 2, { live: true }),
  domainSetMemoryKib: (c: Connection) => c.domainSetMemoryKib(UUID, 1024, { config: true }),
  domainBlockInfo: (c: Connection) => c.domainBlockInfo(UUID, 'vda'),
  domainBlockResize: (c: Connection) => c.domainBlockResize(UUID, 'vda', 2 ** 30),
  domainJobStats: (c: Connection) => c.domainJobStats(UUID),
  domainAbortJob: (c: Connection) => c.domainAbortJob(UUID),
  poolList: (c: Connection) => c.poolList(),
  poolDefine: (c: Connection) => c.poolDefine('<pool/>'),
  poolBuild: (c: Connection) => c.poolBuild('pool'),
  poolStart: (c: Connection) => c.poolStart('pool'),
  poolStop: (c: Connection) => c.poolStop('pool'),
  poolUndefine: (c: Connection) => c.poolUndefine('pool'),
  poolRefresh: (c: Connection) => c.poolRefresh('pool'),
  poolInfo: (c: Connection) => c.poolInfo('pool'),
  poolSetAutostart: (c: Connection) => c.poolSetAutostart('pool', true),
  volumeList: (c: Connection) => c.volumeList('pool'),
  volumeCreate: (c: Connection) => c.volumeCreate('pool', '<volume/>'),
  volumeInfo: (c: Connection) => c.volumeInfo('pool', 'volume'),
  volumeResize: (c: Connection) => c.volumeResize('pool', 'volume', 4096, { shrink: true }),
  volumeDelete: (c: Connection) => c.volumeDelete('pool', 'volume'),
} satisfies Record<string, (connection: Connection) => Promise<unknown>>;

test('whatever the daemon refuses keeps its code, domain, level and message', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  const calls: [string, (connection: Connection) => Promise<unknown>][] = Object.entries(CALLS);
  t.plan(calls.length);
  for (const [index, [name, call]] of calls.entries()) {
    // Other numbers each time, so that no error can be taken for an earlier one's.
    const refusal = {
      code: 1 + (index % 90),
      domain: 1 + (index % 60),
      message: `${name} is refused (${index})`,
    };
    daemon.refusal = refusal;
    await t.rejects(call(connection), { name: 'LibvirtError', ...refusal, level: 2, call: name }, name);
  }
  await connection.close();
});

test('errors of calls that run side by side do not mix', async (t) => {
  const connection = await openTest(t);
  t.plan(600);
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => [
      t.rejects(connection.domainLookup(uuidOf(1000 + index)), { code: ErrorCode.NO_DOMAIN, domain: 12 }),
      t.rejects(connection.poolInfo(`missing-${index}`), {
        code: ErrorCode.NO_STORAGE_POOL,
        message: new RegExp(`'missing-${index}'$`),
      }),
      t.resolves(connection.hostname()),
    ]).flat(),
  );
});

/** Errors that libvirt makes itself, without a daemon. */
const OWN: [call: string, make: (connection: Connection) => Promise<unknown>, expected: object][] = [
  ['domainLookup', (c: Connection) => c.domainLookup('no-uuid'), { code: ErrorCode.INVALID_ARG, domain: 20 }],
  [
    'domainLookup',
    (c: Connection) => c.domainLookup(UUID),
    { code: ErrorCode.NO_DOMAIN, message: 'Domain not found' },
  ],
  ['domainDefine', (c: Connection) => c.domainDefine('<domain'), { code: 35, domain: 20 }],
  ['domainCapabilities', (c: Connection) => c.domainCapabilities({}), { code: ErrorCode.NO_SUPPORT }],
  [
    'cellsFreeMemoryBytes',
    (c: Connection) => c.cellsFreeMemoryBytes(7, 1),
    { code: ErrorCode.INVALID_ARG, domain: 12 },
  ],
  [
    'cellsFreeMemoryBytes',
    (c: Connection) => c.cellsFreeMemoryBytes(-1, 1),
    { code: ErrorCode.INVALID_ARG, domain: 20 },
  ],
  [
    'volumeInfo',
    (c: Connection) => c.volumeInfo('default-pool', 'none'),
    { code: ErrorCode.NO_STORAGE_VOL, domain: 12 },
  ],
  ['poolDefine', (c: Connection) => c.poolDefine('<pool type="dir"/>'), { code: ErrorCode.XML_ERROR }],
];

test('errors of the library itself are kept too', async (t) => {
  const connection = await openTest(t);
  t.plan(OWN.length + 1);
  for (const [call, make, expected] of OWN) {
    await t.rejects(make(connection), { name: 'LibvirtError', level: 2, call, ...expected }, call);
  }
  const [domain] = await connection.domainList();
  await t.rejects(connection.domainMigrate(domain?.uuid ?? '', 'test:///elsewhere', 0, { bandwidth: 10 }), {
    name: 'LibvirtError',
    call: 'domainMigrate',
    code: 74,
    message: /migration is not supported/,
  });
});

test('what a read-only connection may not do is refused', async (t) => {
  const connection = await openTest(t, { readOnly: true });
  await t.rejects(connection.domainDefine(domainXml('one', UUID)), {
    code: ErrorCode.OPERATION_DENIED,
    call: 'domainDefine',
  });
  t.equal((await connection.domainList()).length, 1);
});

test('a connection that cannot be opened says why', async (t) => {
  const expected = { name: 'LibvirtError', call: 'openConnection', code: ErrorCode.SYSTEM_ERROR, domain: 7 };
  const uri = 'qemu+unix:///system?socket=/nowhere/libvirt-sock';
  await t.rejects(openConnection(uri), { ...expected, message: /'\/nowhere\/libvirt-sock': No such file/ });
});

test('the stack of an error leads to the caller', async (t) => {
  const connection = await openTest(t);
  const callerOfThis = async () => {
    await connection.domainLookup(UUID);
  };
  const error = await callerOfThis().catch((reason: unknown) => reason);
  t.match(error, { stack: /callerOfThis/ });
});
