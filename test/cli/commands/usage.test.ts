import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { UsageSegment } from '../../../proto/gen/secovia/v1/UsageSegment.js';
import { webUid } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const at = (day: number, hour = 0) => ({ seconds: Date.UTC(2026, 10, day, hour) / 1000, nanos: 0 });
const segment: UsageSegment = {
  vm: 'administrations/city/vms/web',
  vmUid: webUid,
  host: 'hosts/zg-1',
  site: 'sites/zagreb',
  country: 'HR',
  partner: 'partners/adria',
  agreement: 'agreements/adria-vardar',
  vcpus: 2,
  memoryMib: 4096,
  diskMib: 20_480,
  stopped: false,
  startTime: at(1),
  endTime: at(2, 12),
  costMicros: 1_234_560,
  currency: 'EUR',
};
const stopped: UsageSegment = {
  ...segment,
  stopped: true,
  startTime: at(2, 12),
  endTime: at(3),
  costMicros: 300_000,
};
const own: UsageSegment = {
  ...segment,
  vm: 'administrations/city/vms/db',
  vmUid: '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0002',
  agreement: '',
  costMicros: 0,
  currency: '',
};

server.onStream('UsageService', 'ReportUsage', (_request, stream) => {
  stream.write({ progress: { read: 0, total: 100 } });
  stream.write({ progress: { read: 40, total: 100 } });
  stream.write({ progress: { read: 100, total: 100 } });
  stream.write({ segments: { segments: [own, segment] } });
  stream.write({ segments: { segments: [stopped] } });
  stream.end();
});
server.onStream('UsageService', 'SettleMonth', ({ month }, stream) => {
  stream.write({ progress: { read: 50, total: 100 } });
  const hours = { vcpuMillihours: 1_500, memoryGibMillihours: 2_000_001, diskGibMillihours: 0 };
  stream.write({
    settlement: {
      month,
      lines: [
        {
          agreement: 'agreements/adria-vardar',
          creditor: 'partners/adria',
          debtor: 'partners/vardar',
          ...hours,
          amountMinor: 123_456_789_012_345,
          currency: 'EUR',
        },
        {
          agreement: 'agreements/yen',
          creditor: 'partners/adria',
          debtor: 'administrations/city',
          ...hours,
          amountMinor: 700,
          currency: 'JPY',
        },
      ],
      debts: [
        {
          debtor: 'partners/vardar',
          creditor: 'partners/adria',
          amountMinor: 123_456_789_012_345,
          currency: 'EUR',
        },
      ],
      balances: [
        { party: 'partners/adria', amountMinor: 123_456_789_012_345, currency: 'EUR' },
        { party: 'partners/vardar', amountMinor: -123_456_789_012_345, currency: 'EUR' },
      ],
      provisional: month === '2026-11',
      sequence: 99,
      journalHash: 'ab'.repeat(32),
      currencies: [
        { currency: 'EUR', minorDecimals: 2 },
        { currency: 'JPY', minorDecimals: 0 },
      ],
    },
  });
  stream.end();
});

t.test('usage: a table with exact costs, and totals below it', async (t) => {
  const { code, out, err } = await secovia(
    'usage',
    '-A',
    'city',
    '--from',
    '2026-11',
    '--to',
    '2026-11-03T12:00Z',
  );
  t.equal(code, 0);
  t.equal(
    out,
    [
      'VM        SITE    HOST  FROM                  TO                    VCPUS  MEMORY    DISK         COST  AGREEMENT     NOTE',
      'city/db   zagreb  zg-1  2026-11-01T00:00:00Z  2026-11-02T12:00:00Z      2   4 GiB  20 GiB',
      'city/web  zagreb  zg-1  2026-11-01T00:00:00Z  2026-11-02T12:00:00Z      2   4 GiB  20 GiB  1.23456 EUR  adria-vardar',
      'city/web  zagreb  zg-1  2026-11-02T12:00:00Z  2026-11-03T00:00:00Z      2   4 GiB  20 GiB     0.30 EUR  adria-vardar  stopped',
      '',
      '3 segments of 2 VMs; hours: vCPU 168, memory 336 GiB, disk 1680 GiB; cost: 1.53456 EUR',
      '',
    ].join('\n'),
  );
  t.equal(err, 'reading the journal\n', 'progress is beside the result');
  t.match(server.sent('UsageService', 'ReportUsage').at(-1), {
    administration: 'administrations/city',
    startTime: at(1),
    endTime: at(3, 12),
  });
});

t.test('usage: CSV by RFC 4180, with stable columns', async (t) => {
  const { out } = await secovia('usage', '--all', '--from', '2026-11-01', '-o', 'csv');
  const lines = out.split('\r\n');
  t.equal(
    lines[0],
    'vm,vm_uid,host,site,country,partner,agreement,vcpus,memory_mib,disk_mib,stopped,start_time,end_time,seconds,cost,currency',
  );
  t.equal(
    lines[2],
    `administrations/city/vms/web,${webUid},hosts/zg-1,sites/zagreb,HR,partners/adria,agreements/adria-vardar,` +
      '2,4096,20480,false,2026-11-01T00:00:00.000Z,2026-11-02T12:00:00.000Z,129600.000,1.234560,EUR',
  );
  t.same([lines.length, lines.at(-1)], [5, ''], 'every row ends with CRLF');
  t.match(server.sent('UsageService', 'ReportUsage').at(-1), { administration: '', endTime: null });
});

t.test('usage: JSON is one object with all segments', async (t) => {
  const { out } = await secovia('usage', '-o', 'json');
  t.match(JSON.parse(out), {
    segments: [
      { vm: 'administrations/city/vms/db', costMicros: '0', stopped: false },
      { costMicros: '1234560', startTime: '2026-11-01T00:00:00Z' },
      { stopped: true },
    ],
  });
  t.match(server.sent('UsageService', 'ReportUsage').at(-1), { startTime: at(1) }, 'since the month began');
});

t.test('no use is an empty result with a word beside it', async (t) => {
  const empty = await ScriptedServer.start();
  t.teardown(() => empty.down());
  empty.onStream('UsageService', 'ReportUsage', (_request, stream) => stream.end());
  empty.onStream('UsageService', 'SettleMonth', (_request, stream) => stream.end());
  const ask = (...args: string[]) => cli(args, { server: empty.address });
  t.match(await ask('usage'), { code: 0, out: '', err: 'secovia: nothing was used in that time.\n' });
  t.same(JSON.parse((await ask('usage', '-o', 'json')).out), { segments: [] });
  t.equal((await ask('usage', '-o', 'csv')).out.split('\r\n').length, 2, 'the header alone');
  t.match(await ask('settlement', '--month', '2026-11'), { code: 1, err: /ended the answer before/ });
});

t.test('settlement: what agreements come to, who owes whom, and that it adds up', async (t) => {
  const { code, out } = await secovia('settlement', '--month', '2026-11');
  t.equal(code, 0);
  t.match(out, /^Settlement of 2026-11, provisional: up to now\n\nAGREEMENT/);
  t.match(out, /^adria-vardar {2}vardar +adria +1\.500 +2000\.001 +0\.000 {2}1234567890123\.45 EUR$/m);
  t.match(out, /^yen +administration city +adria .* 700 JPY$/m);
  t.match(out, /^OWES +TO +AMOUNT\nvardar +adria +1234567890123\.45 EUR\n/m);
  t.match(out, /^vardar +-1234567890123\.45 EUR$/m);
  t.match(out, /^Total of all agreements: 1234567890123\.45 EUR, 700 JPY$/m);
  t.match(out, new RegExp(`^Journal: up to decision 99, hash ${'ab'.repeat(32)}$`, 'm'));
  t.notMatch((await secovia('settlement', '--month', '2026-10')).out, /provisional/);
});

t.test('settlement: one CSV of lines, debts and balances', async (t) => {
  const { out } = await secovia('settlement', '--month', '2026-11', '--output', 'csv');
  const hash = 'ab'.repeat(32);
  t.same(out.split('\r\n'), [
    'month,provisional,part,agreement,creditor,debtor,party,vcpu_hours,memory_gib_hours,disk_gib_hours,amount,currency,sequence,journal_hash',
    `2026-11,true,line,agreements/adria-vardar,partners/adria,partners/vardar,,1.500,2000.001,0.000,1234567890123.45,EUR,99,${hash}`,
    `2026-11,true,line,agreements/yen,partners/adria,administrations/city,,1.500,2000.001,0.000,700,JPY,99,${hash}`,
    `2026-11,true,debt,,partners/adria,partners/vardar,,,,,1234567890123.45,EUR,99,${hash}`,
    `2026-11,true,balance,,,,partners/adria,,,,1234567890123.45,EUR,99,${hash}`,
    `2026-11,true,balance,,,,partners/vardar,,,,-1234567890123.45,EUR,99,${hash}`,
    '',
  ]);
});

t.test('settlement: the answer as JSON', async (t) => {
  const { out } = await secovia('settlement', '--month', '2026-11', '-o', 'json');
  t.match(JSON.parse(out), {
    settlement: { month: '2026-11', lines: [{ amountMinor: '123456789012345' }, {}], sequence: '99' },
  });
});

t.test('on a terminal a bar shows how far the journal is read, and goes when it is', async (t) => {
  const { err } = await cli(['usage'], { server: server.address, terminal: 'stderr' });
  t.match(err, /reading the journal {2}\[############------------------\] 40 %\n/);
  t.ok(err.endsWith('\x1b[1A\x1b[J'));
});

t.test('what cannot be right is said before anybody is asked', async (t) => {
  const before = server.received.length;
  const wrong: [string[], RegExp][] = [
    [['settlement'], /required option '--month <month>' not specified/],
    [['settlement', '--month', '2026-13'], /--month <month>.*Write a year and a month, for example 2026-11/],
    [['usage', '--from', 'yesterday'], /--from <moment>.*Write a day/],
    [['usage', '--from', '2026-02-30'], /--from <moment>.*calendar/],
    [['usage', '--to', '30d'], /--to <moment>.*Write a month as 2026-11/],
    [['usage', '-o', 'name'], /this command has no --output name: say table, csv, json\./],
    [['site', 'list', '-o', 'csv'], /this command has no --output csv: say table, json, name\./],
  ];
  for (const [args, message] of wrong)
    t.match(await secovia(...args), { code: 2, out: '', err: message }, args.join(' '));
  t.equal(server.received.length, before);
});

t.test('a refusal of the scheduler is passed on', async (t) => {
  const busy = await ScriptedServer.start();
  t.teardown(() => busy.down());
  busy.onStream('UsageService', 'SettleMonth', () => {
    throw new Refused(
      status.RESOURCE_EXHAUSTED,
      '2 reports are being worked out and 8 wait already; try again in a moment',
      {
        errorInfo: { reason: 'ACCOUNTING_BUSY', metadata: {} },
        retryDelayMs: 5000,
      },
    );
  });
  // A turn comes later than that.
  const words = ['settlement', '--month', '2026-11', '--timeout', '1s'];
  const result = await cli(words, { server: busy.address });
  t.match(result, {
    code: 4,
    out: '',
    err: /8 wait already; try again in a moment \(RESOURCE_EXHAUSTED, ACCOUNTING_BUSY\)/,
  });
});

t.test('Ctrl-C and --timeout end the wait', async (t) => {
  const slow = await ScriptedServer.start();
  t.teardown(() => slow.down());
  const interruption = new AbortController();
  slow.onStream('UsageService', 'SettleMonth', (_request, stream) => {
    stream.write({ progress: { read: 1, total: 100 } });
  });
  const args = ['settlement', '--month', '2026-11'];
  const stopped = await cli(args, {
    server: slow.address,
    interrupted: interruption.signal,
    watch: ({ err }) => err.includes('reading') && interruption.abort(),
  });
  t.match(stopped, { code: 130, out: '' });
  const late = await cli([...args, '--timeout', '200ms'], { server: slow.address });
  t.match(late, { code: 5, err: /not there after 0\.2s\. Give it more time with --timeout/ });
});
