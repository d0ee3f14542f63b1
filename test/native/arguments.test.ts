import fc from 'fast-check';
import { test } from 'tap';
import { type Connection, LibvirtError, nativeCounters, openConnection } from '../../native/index.js';
import { openTest, TEST_URI, uuidOf } from './opened.js';

const UUID = uuidOf(1);

type Method = (...args: unknown[]) => Promise<unknown>;

/** The calls of a connection as a caller without types sees them. */
function methods(connection: Connection): [string, Method][] {
  const names = new Set<string>();
  for (let level: object = connection; level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) names.add(name);
  }
  for (const name of ['constructor', 'uri', 'close', 'call', 'lost', 'happened', 'onClose'])
    names.delete(name);
  const untyped = connection as unknown as Record<string, Method>;
  return [...names]
    .sort()
    .map((name) => [name, (...args) => (untyped[name] as Method).apply(connection, args)]);
}

test('any arguments give a result, a TypeError or a LibvirtError', async (t) => {
  const connection = await openTest(t);
  const all = methods(connection);
  t.ok(all.length > 45, `${all.length} calls`);
  const plausible = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
    fc.constantFrom<unknown>(
      UUID,
      'default-pool',
      -1,
      0,
      2 ** 32,
      2 ** 53,
      Number.NaN,
      2n ** 64n,
      -1n,
      'a\0b',
      '\ud800',
    ),
    fc.record({ deadlineMs: fc.anything() }),
    fc.string({ unit: 'binary' }),
    fc.func(fc.anything()),
    fc.constant(Symbol('symbol')),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(all.length - 1), fc.array(plausible, { maxLength: 6 }), async (index, args) => {
      const [, call] = all[index] ?? [];
      await call?.(...args).catch((error: unknown) => {
        if (!(error instanceof TypeError) && !(error instanceof LibvirtError)) throw error;
      });
    }),
    { numRuns: 5000 },
  );
  t.equal(await connection.isAlive(), true);
  t.equal(nativeCounters()?.pendingCalls, 0);
});

/** Each position of a call with a value of the wrong type, and the name that the TypeError must mention. */
const WRONG: [call: string, args: unknown[], message: RegExp][] = [
  ['hostname', [5], /^options must be an object$/],
  ['hostname', [{ deadlineMs: '5' }], /^options.deadlineMs must be an integer from 1/],
  ['hostname', [{ deadlineMs: 0 }], /options.deadlineMs/],
  ['hostname', [{ deadlineMs: 1.5 }], /options.deadlineMs/],
  ['hostname', [{ deadlineMs: Number.POSITIVE_INFINITY }], /options.deadlineMs/],
  ['hostname', [{ deadlineMs: 2 ** 31 }], /options.deadlineMs/],
  ['domainList', [{ active: 1 }], /^query.active must be a boolean$/],
  ['domainList', [{ activ: true }], /^query must be without a key activ$/],
  ['domainLookup', [], /^uuid must be a string$/],
  ['domainLookup', [Buffer.from(UUID)], /^uuid must be a string$/],
  ['domainLookup', [`${UUID}\0`], /^uuid must be free of NUL/],
  ['domainDefine', ['<domain/>\0'], /^xml must be free of NUL/],
  ['domainDefine', ['x'.repeat(16 * 1024 * 1024 + 1)], /^xml must be at most 16 MiB/],
  ['domainDefine', ['<domain/>', { validate: 'yes' }], /^flags.validate must be a boolean$/],
  ['domainCreate', [UUID, { pause: true }], /^flags must be without a key pause$/],
  ['domainCreate', [UUID, [true]], /^flags must be an object$/],
  ['domainShutdown', [UUID, 'hard'], /^mode must be one of default acpi agent$/],
  ['domainReboot', [UUID, 1], /^mode must be one of/],
  ['domainUndefine', [UUID, null], /^flags must be an object$/],
  ['domainSetMetadata', [UUID, 'urn:x', 'x', undefined], /^xml must be a string or null$/],
  ['domainSetAutostart', [UUID, 1], /^on must be a boolean$/],
  ['domainSetVcpus', [UUID, 1.5], /^count must be an integer/],
  ['domainSetVcpus', [UUID, -1], /^count must be an integer/],
  ['domainPinVcpu', [UUID, -1, [0]], /^vcpu must be an integer/],
  ['domainPinVcpu', [UUID, 0, 1], /^cpus must be an array of integers$/],
  ['domainPinVcpu', [UUID, 0, [0, -1]], /^cpus must be an integer from 0 to 16383$/],
  ['domainPinEmulator', [UUID, [16_384]], /^cpus must be an integer/],
  ['domainSetMemoryKib', [UUID, -1n], /^kib must be a bigint from 0/],
  ['domainSetMemoryKib', [UUID, 2n ** 64n], /^kib must be a bigint/],
  ['domainSetMemoryKib', [UUID, 2 ** 53], /^kib must be an integer from 0/],
  ['domainBlockInfo', [UUID, 0], /^disk must be a string$/],
  ['domainBlockResize', [UUID, 'vda', '1'], /^capacityBytes must be an integer/],
  ['domainBlockResize', [UUID, 'vda', -1n], /^capacityBytes must be a bigint from 0/],
  ['cellsFreeMemoryBytes', ['0', 1], /^start must be a 32-bit integer$/],
  ['cellsFreeMemoryBytes', [0, 0], /number of cells/],
  ['cellsFreeMemoryBytes', [0, 2 ** 31 - 1], /number of cells/],
  ['freePages', [4, 0, 1], /^sizesKib must be an array of integers$/],
  ['freePages', [['4'], 0, 1], /^sizesKib must be an integer/],
  ['freePages', [[], 0, 1], /sizes/],
  ['freePages', [new Array(5000).fill(4), 0, 1], /at most 4096/],
  ['domainMigrate', [UUID, 'test:///', '0'], /^flags must be an integer/],
  ['domainMigrate', [UUID, 'test:///', 0, { bandwidth: 'fast' }], /^parameters.bandwidth must be an integer/],
  ['domainMigrate', [UUID, 'test:///', 0, { bandwidth: -1 }], /^parameters.bandwidth must be/],
  [
    'domainMigrate',
    [UUID, 'test:///', 0, { disks_port: 2 ** 31 }],
    /^parameters.disks_port must be a 32-bit/,
  ],
  [
    'domainMigrate',
    [UUID, 'test:///', 0, { destination_name: 1 }],
    /^parameters.destination_name must be a string/,
  ],
  [
    'domainMigrate',
    [UUID, 'test:///', 0, { migrate_disks: ['vda', 1] }],
    /^parameters.migrate_disks must be a string/,
  ],
  ['domainMigrate', [UUID, 'test:///', 0, { anything: {} }], /^parameters.anything must be a number, bigint/],
  ['volumeResize', ['pool', 'volume', '1'], /^capacityBytes must be an integer/],
  ['onEvent', ['listener'], /^listener must be a function$/],
];

test('a wrong type is a TypeError that names the argument', async (t) => {
  const connection = await openTest(t);
  const calls = new Map(methods(connection));
  t.plan(WRONG.length);
  for (const [name, args, message] of WRONG) {
    await t.rejects(
      (calls.get(name) as Method)(...args),
      { name: 'TypeError', message },
      `${name} ${message}`,
    );
  }
});

test('opening is as strict', async (t) => {
  const open = openConnection as unknown as Method;
  const wrong: [unknown[], RegExp][] = [
    [[], /^uri must be a string$/],
    [[''], /^uri must not be empty$/],
    [['test:///default\0'], /^uri must be free of NUL/],
    [[TEST_URI, { readonly: true }], /^options must be without a key readonly$/],
    [[TEST_URI, { readOnly: 1 }], /^options.readOnly must be a boolean$/],
    [
      [TEST_URI, { keepaliveIntervalS: -1 }],
      /^options.keepaliveIntervalS must be an integer from 0 to 86400$/,
    ],
    [[TEST_URI, { keepaliveCount: 0.5 }], /^options.keepaliveCount must be an integer/],
    [[TEST_URI, { deadlineMs: null }], /^options.deadlineMs must be an integer/],
  ];
  t.plan(wrong.length + 1);
  for (const [args, message] of wrong) {
    await t.rejects(open(...args), { name: 'TypeError', message });
  }
  t.match(nativeCounters(), { connections: 0, pendingCalls: 0 });
});

test('exceptions of a getter come through as they are', async (t) => {
  const connection = await openTest(t);
  const failing = {
    get deadlineMs(): number {
      throw new RangeError('mine');
    },
  };
  await t.rejects(connection.hostname(failing), { name: 'RangeError', message: 'mine' });
  const vanishing = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('gone');
      },
    },
  );
  await t.rejects(connection.domainList(vanishing), { message: 'gone' });
});
