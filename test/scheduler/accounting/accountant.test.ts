import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Test, test } from 'tap';
import {
  Accountant,
  answeredAtOnce,
  mayWait,
  mayWaitOfOne,
} from '../../../scheduler/accounting/accountant.js';
import type { Question, Settled, Told } from '../../../scheduler/core/accounting/questions.js';
import type { Segment } from '../../../scheduler/core/accounting/segment.js';
import type { Refusal } from '../../../scheduler/core/refusal.js';
import { beginning, type Decision, hour, startMs, textOf, vm } from '../core/accounting/journal-history.js';
import { settlementsOf } from '../core/accounting/read.js';
import { temporaryFolder } from '../scope.js';
import { within } from '../within.js';
import { writeJournal } from './journal-file.js';

const thread = new URL('../../../scheduler/accounting-thread.js', import.meta.url);
const novemberEnd = Date.UTC(2026, 11, 1);

/** VMs of which one is made every hour, each under agreement g0 or g1, and removed three hours later. */
function history(vms: number): Decision[] {
  const decisions: Decision[] = [[startMs, beginning]];
  for (let index = 0; index < vms; index += 1) {
    const atMs = startMs + (index + 1) * hour;
    const where = { host: `h${index % 6}`, agreement: `g${index % 2}` };
    decisions.push([atMs, [{ type: 'vm.created', vm: vm(`u${index}`, 'a0', where) }]]);
    if (index >= 3) decisions.push([atMs, [{ type: 'vm.removed', uid: `u${index - 3}` }]]);
  }
  return decisions;
}

class Asked {
  readonly told: Told[] = [];
  readonly gone = new AbortController();
  readonly answer: Promise<Refusal | null>;

  constructor(
    accountant: Accountant,
    question: Question,
    hold: Promise<void> = Promise.resolve(),
    asker = '',
  ) {
    const take = async (piece: Told) => {
      this.told.push(piece);
      await hold;
    };
    this.answer = accountant.ask(question, take, this.gone.signal, asker);
    this.answer.catch(() => {});
  }

  get settled(): Settled {
    return this.told.flatMap((piece) => ('settled' in piece ? piece.settled : []))[0] as Settled;
  }

  get segments(): Segment[] {
    return this.told.flatMap((piece) => ('segments' in piece ? piece.segments : []));
  }
}

async function opened(t: Test, decisions: Decision[], together = 1) {
  const file = join(temporaryFolder(t), 'secovia.db');
  const batches = await writeJournal(file, decisions, together);
  const accountant = new Accountant(file, thread);
  t.teardown(() => accountant.close());
  return { file, batches, accountant };
}

const november = (upTo: number, nowMs: number): Question => ({
  kind: 'settlement',
  spans: [{ fromMs: startMs, toMs: novemberEnd }],
  upTo,
  nowMs,
});

test('a month that is over is settled to the same bytes whenever it is asked for, and says up to which batch', async (t) => {
  const decisions = history(900);
  const { accountant, batches } = await opened(t, decisions, 7);
  const before = decisions.filter(([atMs]) => atMs < novemberEnd).length;
  const batch = batches.find(({ last }) => last >= before);
  const early = new Asked(accountant, november(batch?.last ?? 0, novemberEnd + 7 * hour));
  t.equal(await early.answer, null);
  const late = new Asked(accountant, november(decisions.length, novemberEnd + 9000 * hour));
  t.equal(await late.answer, null);
  t.match(late.settled, { provisional: false, sequence: batch?.last, journalHash: batch?.hash });
  const [plain] = settlementsOf(textOf(decisions), [{ fromMs: startMs, toMs: novemberEnd }]);
  t.same({ lines: late.settled.lines, debts: late.settled.debts, balances: late.settled.balances }, plain);
  t.equal(JSON.stringify(early.settled), JSON.stringify(late.settled));
  t.ok(late.settled.debts.length > 0);
  const progress = late.told.flatMap((piece) => ('progress' in piece ? [piece.progress] : []));
  t.same(progress[0], { read: 0, total: decisions.length });
  t.same(progress.at(-1), { read: decisions.length, total: decisions.length });
});

test('a month that is not over is provisional, and counts up to now', async (t) => {
  const decisions = history(10);
  const { accountant } = await opened(t, decisions);
  const nowMs = startMs + 12 * hour;
  const asked = new Asked(accountant, november(decisions.length, nowMs));
  t.equal(await asked.answer, null);
  t.match(asked.settled, { provisional: true, sequence: decisions.length });
  t.same(asked.settled.lines, settlementsOf(textOf(decisions), [{ fromMs: startMs, toMs: nowMs }])[0]?.lines);
  // The wall clock alone does not end a month: it could be set back.
  const later = new Asked(accountant, november(decisions.length, novemberEnd + hour));
  await later.answer;
  t.equal(later.settled.provisional, true);
});

test('decisions after the newest that was asked for are not read', async (t) => {
  const decisions = history(10);
  const { accountant } = await opened(t, decisions);
  const asked = new Asked(accountant, november(3, startMs + 5 * hour));
  await asked.answer;
  t.equal(asked.settled.sequence, 3);
  const [first] = settlementsOf(textOf(decisions.slice(0, 3)), [
    { fromMs: startMs, toMs: startMs + 5 * hour },
  ]);
  t.same(asked.settled.lines, first?.lines);
});

test('segments come sorted, cut to the span, and only those of the subtree as it was', async (t) => {
  const moved: Decision = [startMs + 6 * hour, [{ type: 'administration.moved', id: 'a0-b', parent: 'a1' }]];
  const decisions: Decision[] = [
    [startMs, beginning],
    [
      startMs,
      ['a0-b', 'a0', 'a1', 'a2'].map((owner, index) => ({
        type: 'vm.created' as const,
        vm: vm(`u${9 - index}`, owner, { host: 'h0' }),
      })),
    ],
    moved,
  ];
  const { accountant } = await opened(t, decisions);
  const ask = async (administration: string | null) => {
    const span = { fromMs: startMs + hour, toMs: startMs + 10 * hour };
    const question = { kind: 'usage', administration, span, upTo: 3, nowMs: startMs + 8 * hour } as const;
    const asked = new Asked(accountant, question);
    return { refusal: await asked.answer, segments: asked.segments };
  };
  const shown = ({ administration, uid, fromMs, toMs }: Segment) =>
    `${administration} ${uid} ${(fromMs - startMs) / hour}-${(toMs - startMs) / hour}`;
  t.same((await ask('a0')).segments.map(shown), ['a0 u8 1-8', 'a0-b u9 1-6']);
  t.same((await ask('a1')).segments.map(shown), ['a0-b u9 6-8', 'a1 u7 1-8']);
  t.same((await ask(null)).segments.map(shown), [
    'a0 u8 1-8',
    'a0-b u9 1-6',
    'a0-b u9 6-8',
    'a1 u7 1-8',
    'a2 u6 1-8',
  ]);
  t.match(await ask('nobody'), {
    refusal: { kind: 'not_found', reason: 'ADMINISTRATION_NOT_FOUND' },
    segments: [],
  });
});

test('a few questions are answered at once, some wait, and the rest are asked to come back', async (t) => {
  const decisions = history(300);
  const { accountant } = await opened(t, decisions);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const nowMs = startMs + 999 * hour;
  const asked = Array.from(
    { length: answeredAtOnce + mayWait },
    () => new Asked(accountant, november(decisions.length, nowMs), held),
  );
  const refused = new Asked(accountant, november(decisions.length, nowMs));
  t.match(await within(20_000, 'the refusal', refused.answer), {
    kind: 'exhausted',
    reason: 'ACCOUNTING_BUSY',
    retryDelayMs: Number,
  });
  asked.at(-1)?.gone.abort();
  t.equal(await within(20_000, 'one that waited gives up', asked.at(-1)?.answer as Promise<null>), null);
  release();
  await within(60_000, 'all have their answer', Promise.all(asked.map(({ answer }) => answer)));
  t.equal(
    asked.slice(0, -1).every(({ settled }) => settled.lines.length > 0),
    true,
  );
  t.same(asked.at(-1)?.told, [], 'nothing was begun for the one that gave up');
});

test('whoever asks again and again has one answer at a time, and leaves the other places to others', async (t) => {
  const decisions = history(300);
  const { accountant } = await opened(t, decisions);
  const never = new Promise<void>(() => {});
  const question = november(decisions.length, startMs + 999 * hour);
  const stuck = Array.from(
    { length: 1 + mayWaitOfOne },
    () => new Asked(accountant, question, never, 'greedy'),
  );
  const refused = new Asked(accountant, question, never, 'greedy');
  t.match(await within(20_000, 'the refusal', refused.answer), {
    reason: 'ACCOUNTING_BUSY',
    message: /a report of yours/,
  });
  const another = new Asked(accountant, question, undefined, 'another');
  t.equal(await within(20_000, 'somebody else is answered', another.answer), null);
  t.ok(another.settled);
  t.ok(
    stuck.slice(1).every(({ told }) => told.length === 0),
    'with one of theirs under way no other is begun',
  );
  stuck[0]?.gone.abort();
  await within(20_000, 'the first ends', stuck[0]?.answer as Promise<null>);
  stuck[1]?.gone.abort();
  t.equal(await within(20_000, 'the second had its turn', stuck[1]?.answer as Promise<null>), null);
  stuck[2]?.gone.abort();
});

test('a question that is taken back ends its thread, and makes room', async (t) => {
  const decisions = history(300);
  const { accountant } = await opened(t, decisions);
  const never = new Promise<void>(() => {});
  const question = november(decisions.length, startMs + 999 * hour);
  const stuck = Array.from({ length: answeredAtOnce }, () => new Asked(accountant, question, never));
  const waiting = new Asked(accountant, question);
  for (const { gone } of stuck) gone.abort();
  for (const { answer } of stuck) t.equal(await within(20_000, 'it ends', answer), null);
  t.equal(await within(20_000, 'the next one is answered', waiting.answer), null);
  t.ok(waiting.settled);
});

test('a scheduler that stops says so to those who wait', async (t) => {
  const decisions = history(300);
  const { accountant } = await opened(t, decisions);
  const never = new Promise<void>(() => {});
  const asked = Array.from(
    { length: answeredAtOnce + 1 },
    () => new Asked(accountant, november(decisions.length, startMs + 999 * hour), never),
  );
  accountant.close();
  for (const { answer } of asked) {
    t.match(await within(20_000, 'it ends', answer), { kind: 'unavailable', reason: 'STOPPING' });
  }
});

test('from a damaged journal nothing is settled', async (t) => {
  const decisions = history(20);
  const { accountant, file } = await opened(t, decisions);
  const ask = () => new Asked(accountant, november(decisions.length, startMs + 999 * hour)).answer;
  const db = new Database(file);
  db.exec(`UPDATE journal SET body = replace(body, '"uid":"u3"', '"uid":"u4"') WHERE last > 3`);
  await t.rejects(ask(), /does not fit the journal/);
  db.exec('DELETE FROM journal WHERE last = 9');
  await t.rejects(ask(), /decisions are missing/);
  db.close();
});
