import * as grpc from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { ReportUsageRequest } from '../../../proto/gen/secovia/v1/ReportUsageRequest.js';
import type { ReportUsageResponse__Output } from '../../../proto/gen/secovia/v1/ReportUsageResponse.js';
import type { SettleMonthRequest } from '../../../proto/gen/secovia/v1/SettleMonthRequest.js';
import type { SettleMonthResponse__Output } from '../../../proto/gen/secovia/v1/SettleMonthResponse.js';
import { eventually, within } from '../within.js';
import { definitionOf, type Failure, failureOf } from './client.js';
import { adm, Federation } from './federation.js';

const federation = await Federation.start(tap);
const { api } = federation;
const agent = await federation.host('zg-1', { obeys: true });
tap.teardown(() => agent.close());
const web = await federation.vm('web');
await federation.becomes(web.name, 'runs', ({ operation }) => operation === '');

function stream<Req extends object, Res>(method: 'ReportUsage' | 'SettleMonth', request: Req) {
  const { path, requestSerialize, responseDeserialize } = definitionOf(method);
  return api.channel.makeServerStreamRequest(
    path,
    requestSerialize as (value: Req) => Buffer,
    responseDeserialize as (bytes: Buffer) => Res,
    request,
    new grpc.Metadata({ waitForReady: true }),
  );
}

/** Everything that comes. */
async function all<Req extends object, Res>(
  method: 'ReportUsage' | 'SettleMonth',
  request: Req,
): Promise<Res[]> {
  const parts: Res[] = [];
  const read = async () => {
    for await (const part of stream<Req, Res>(method, request)) parts.push(part as Res);
    return parts;
  };
  return within(30_000, `${method} ends`, read());
}

const report = (request: ReportUsageRequest) =>
  all<ReportUsageRequest, ReportUsageResponse__Output>('ReportUsage', request);
const settle = (month: string) =>
  all<SettleMonthRequest, SettleMonthResponse__Output>('SettleMonth', { month });

async function failing(parts: Promise<unknown>): Promise<Failure> {
  try {
    await parts;
  } catch (error) {
    return failureOf(error as grpc.ServiceError);
  }
  throw new Error('it was accepted');
}

const thisMonth = new Date().toISOString().slice(0, 7);
const nowSeconds = () => Math.floor(Date.now() / 1000);
const anHourAgo = { seconds: nowSeconds() - 3600, nanos: 0 };

test('a report has progress first, then the segments of who is asked for', async (t) => {
  const parts = await report({ administration: adm, startTime: anHourAgo });
  t.match(parts[0]?.progress, { read: 0, total: Number });
  const segments = parts.flatMap((part) => part.segments?.segments ?? []);
  t.match(segments, [
    {
      vm: web.name,
      vmUid: web.uid,
      host: 'hosts/zg-1',
      site: 'sites/zagreb',
      country: 'HR',
      partner: 'partners/partner',
      agreement: '',
      vcpus: 1,
      memoryMib: 128,
      diskMib: 200,
      stopped: false,
      startTime: web.createTime,
      costMicros: 0,
      currency: '',
    },
  ]);
  t.ok((segments[0]?.endTime?.seconds ?? 0) <= nowSeconds() + 1, 'it goes on, and is shown up to now');
  const ofAll = await report({ startTime: anHourAgo, endTime: { seconds: nowSeconds() + 9999, nanos: 0 } });
  t.equal(ofAll.flatMap((part) => part.segments?.segments ?? []).length, 1, 'a later end means now');
});

test('a settlement names the batch of the journal up to which it was worked out', async (t) => {
  const parts = await settle(thisMonth);
  const { settlement } = parts.at(-1) as SettleMonthResponse__Output;
  t.match(settlement, { month: thisMonth, lines: [], debts: [], balances: [], provisional: true });
  t.equal(settlement?.sequence, await api.sequence());
  t.match(settlement?.journalHash, /^[0-9a-f]{64}$/);
  const before = (await settle('2020-02')).at(-1)?.settlement;
  t.match(before, { provisional: false, sequence: 0, journalHash: '0'.repeat(64) });
  t.same((await settle('2020-02')).at(-1)?.settlement, before, 'the same whenever it is asked for');
});

const far = { seconds: 1e15, nanos: 0 };
const wrong: [string, () => Promise<unknown>, RegExp, string][] = [
  [
    'a month that is none',
    () => settle('2026-13'),
    /"2026-13" must be a year and a month, for example 2/,
    'month',
  ],
  ['no month', () => settle(''), /must be a year and a month/, 'month'],
  ['a month with a day', () => settle('2026-11-01'), /must be a year and a month/, 'month'],
  [
    'a month in the future',
    () => settle('9999-12'),
    /9999-12 has not begun; the newest month that can be settled is 2/,
    'month',
  ],
  ['no start', () => report({}), /start_time: is missing/, 'start_time'],
  [
    'a start in the future',
    () => report({ startTime: { seconds: 4e9, nanos: 0 } }),
    /is not before now/,
    'start_time',
  ],
  ['an impossible start', () => report({ startTime: far }), /no moment of the years/, 'start_time'],
  [
    'an end before the start',
    () => report({ startTime: anHourAgo, endTime: { seconds: 1, nanos: 0 } }),
    /must be after start_time/,
    'end_time',
  ],
  [
    'an empty span',
    () => report({ startTime: anHourAgo, endTime: anHourAgo }),
    /must be after start_time/,
    'end_time',
  ],
  [
    'a name of another kind',
    () => report({ administration: 'sites/x', startTime: anHourAgo }),
    /administrations\/ID/,
    'administration',
  ],
];
for (const [what, ask, message, field] of wrong) {
  test(`${what} is refused in a sentence that says what to do`, async (t) => {
    const failure = await failing(ask());
    t.match(failure, { code: grpc.status.INVALID_ARGUMENT, message, reason: 'INVALID_FIELDS' });
    t.same(
      failure.details.fieldViolations?.map((each) => each.field),
      [field],
    );
  });
}

test('an administration that never was is not found', async (t) => {
  const failure = await failing(report({ administration: 'administrations/nobody', startTime: anHourAgo }));
  t.match(failure, { code: grpc.status.NOT_FOUND, reason: 'ADMINISTRATION_NOT_FOUND' });
});

test('too many questions at once are turned away, the others are answered', async (t) => {
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => settle(thisMonth)));
  const refused = asked.flatMap((each) => (each.status === 'rejected' ? [failureOf(each.reason)] : []));
  // Those that are answered before the last have come make room for them.
  t.ok(refused.length > 0 && refused.length <= 10, `${refused.length} were turned away`);
  for (const failure of refused) {
    t.match(failure, {
      code: grpc.status.RESOURCE_EXHAUSTED,
      reason: 'ACCOUNTING_BUSY',
      message: /try again/,
    });
  }
});

test('a caller that goes away makes room for others', async (t) => {
  const streams = Array.from({ length: 10 }, () =>
    stream<SettleMonthRequest, unknown>('SettleMonth', { month: thisMonth }),
  );
  for (const each of streams) {
    each.on('error', () => {});
    each.on('data', () => {});
  }
  await within(45_000, 'one is under way', new Promise((resolve) => streams[0]?.once('data', resolve)));
  for (const each of streams) each.cancel();
  // The scheduler hears of it in a moment; until then all places are taken.
  const answered = await eventually(
    'another caller is answered',
    () => settle(thisMonth).catch(failureOf),
    (answer) => Array.isArray(answer),
  );
  t.ok(Array.isArray(answered) && answered.at(-1)?.settlement);
});
