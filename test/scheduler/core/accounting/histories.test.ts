import { deepStrictEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import type { Segment } from '../../../../scheduler/core/accounting/segment.js';
import type { Settlement } from '../../../../scheduler/core/accounting/settlement.js';
import { costMicros } from '../../../../scheduler/core/accounting/usage-report.js';
import { holds } from '../../holds.js';
import { beginning, commandOf, script } from '../script.js';
import { type Decision, historyOf, hour, startMs, steps, textOf } from './journal-history.js';
import { type Entry, entriesOf } from './plain-oracle.js';
import { segmentsOf, settlementsOf } from './read.js';

/** The second of these ends before most histories do. */
const cuts = [startMs + 3 * hour, startMs + 50 * hour + 7, startMs + 5000 * hour];

function bySegmentKey<T extends { uid: string }>(all: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const each of all) found.set(each.uid, [...(found.get(each.uid) ?? []), each]);
  return found;
}

/** The segments say of every moment what the oracle's entries say, and of no moment anything twice. */
function checkCover(segments: readonly Segment[], entries: readonly Entry[]): void {
  const entriesOfVm = bySegmentKey(entries);
  const segmentsOfVm = bySegmentKey(segments);
  deepStrictEqual([...segmentsOfVm.keys()].sort(), [...entriesOfVm.keys()].sort());
  for (const [uid, list] of segmentsOfVm) {
    let reached = 0;
    let covered = 0;
    for (const { fromMs, toMs } of list) {
      ok(fromMs >= reached, `VM ${uid} has two segments at ${fromMs}`);
      ok(toMs > fromMs, `VM ${uid} has a segment of no length`);
      reached = toMs;
      covered += toMs - fromMs;
    }
    const own = entriesOfVm.get(uid) as Entry[];
    deepStrictEqual(
      covered,
      own.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0),
    );
    for (const entry of own) {
      const segment = list.find(({ fromMs, toMs }) => fromMs <= entry.fromMs && entry.toMs <= toMs);
      ok(segment !== undefined, `VM ${uid} has no segment from ${entry.fromMs} to ${entry.toMs}`);
      deepStrictEqual(wordsOf(segment), {
        administration: entry.administration,
        host: entry.host,
        site: entry.site,
        country: entry.country,
        partner: entry.partner,
        agreement: entry.agreement,
        creditor: entry.creditor,
        debtor: entry.debtor,
        currency: entry.currency,
        vcpus: entry.vcpus,
        memoryMib: entry.memoryMib,
        diskMib: entry.diskMib,
        stopped: entry.stopped,
      });
    }
  }
}

function wordsOf({ administration, place, terms, vcpus, memoryMib, diskMib, stopped }: Segment) {
  const { agreement = '', creditor = '', debtor = '', price } = terms ?? {};
  const currency = price?.currency ?? '';
  return {
    administration,
    ...place,
    agreement,
    creditor,
    debtor,
    currency,
    vcpus,
    memoryMib,
    diskMib,
    stopped,
  };
}

const partsPerMicro = 1024n * 100n * 3_600_000n;
const decimals: Record<string, number> = { EUR: 2, JPY: 0, KWD: 3 };

/** Half to even, by looking at both neighbours. */
function rounded(dividend: bigint, divisor: bigint): bigint {
  const below = dividend / divisor;
  const [toBelow, toAbove] = [dividend - below * divisor, (below + 1n) * divisor - dividend];
  if (toBelow !== toAbove) return toBelow < toAbove ? below : below + 1n;
  return below % 2n === 0n ? below : below + 1n;
}

/** Lines as the entries add up to them. */
function plainLines(entries: readonly Entry[]) {
  const sums = new Map<string, { parts: bigint; vcpuMs: bigint; memoryMs: bigint; diskMs: bigint }>();
  for (const { agreement, creditor, debtor, currency, parts, ...use } of entries) {
    if (agreement === '' || creditor === debtor) continue;
    const key = [agreement, creditor, debtor, currency].join(' ');
    const sum = sums.get(key) ?? { parts: 0n, vcpuMs: 0n, memoryMs: 0n, diskMs: 0n };
    const forMs = BigInt(use.toMs - use.fromMs);
    sum.parts += parts;
    sum.vcpuMs += BigInt(use.vcpus) * forMs;
    sum.memoryMs += BigInt(use.memoryMib) * forMs;
    sum.diskMs += BigInt(use.diskMib) * forMs;
    sums.set(key, sum);
  }
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { parts, vcpuMs, memoryMs, diskMs }]) => {
      const [agreement, creditor, debtor, currency = ''] = key.split(' ');
      return {
        agreement,
        creditor,
        debtor,
        vcpuMillihours: Number(rounded(vcpuMs, 3600n)),
        memoryGibMillihours: Number(rounded(memoryMs, 3600n * 1024n)),
        diskGibMillihours: Number(rounded(diskMs, 3600n * 1024n)),
        amountMinor: Number(rounded(parts, partsPerMicro * 10n ** BigInt(6 - (decimals[currency] ?? -1)))),
        currency,
      };
    });
}

/** Parts of entries within a span. */
function clipped(entries: readonly Entry[], fromMs: number, toMs: number): Entry[] {
  return entries.flatMap((entry) => {
    const [from, to] = [Math.max(fromMs, entry.fromMs), Math.min(toMs, entry.toMs)];
    if (from >= to) return [];
    const parts = (entry.parts * BigInt(to - from)) / BigInt(entry.toMs - entry.fromMs);
    return [{ ...entry, fromMs: from, toMs: to, parts }];
  });
}

function checkSums({ lines, debts, balances }: Settlement): void {
  const owed = new Map<string, number>();
  const book = (party: string, currency: string, amount: number) => {
    const key = `${party} ${currency}`;
    owed.set(key, (owed.get(key) ?? 0) + amount);
  };
  for (const { creditor, debtor, currency, amountMinor } of lines) {
    book(creditor, currency, amountMinor);
    book(debtor, currency, -amountMinor);
  }
  for (const { party, currency, amountMinor } of balances) book(party, currency, -amountMinor);
  deepStrictEqual(
    [...owed].filter(([, amount]) => amount !== 0),
    [],
    'balances are what the lines add up to',
  );
  const pairs = debts.map(
    ({ debtor, creditor, currency }) => `${[debtor, creditor].sort().join()} ${currency}`,
  );
  deepStrictEqual(new Set(pairs).size, pairs.length, 'two parties have one debt in a currency');
  for (const currency of ['EUR', 'JPY', 'KWD']) {
    const all = balances.filter((balance) => balance.currency === currency);
    deepStrictEqual(
      all.reduce((sum, { amountMinor }) => sum + amountMinor, 0),
      0,
    );
  }
}

test('every moment of every VM on a host is in exactly one segment, which says what was so then', async (t) => {
  let segmentsSeen = 0;
  holds(
    t,
    fc.property(steps, (list) => {
      const decisions = historyOf(list);
      for (const endMs of cuts) {
        const segments = segmentsOf(textOf(decisions), endMs);
        segmentsSeen += segments.length;
        checkCover(segments, entriesOf(decisions, endMs));
      }
    }),
    300,
  );
  t.ok(segmentsSeen > 1000, `${segmentsSeen} segments`);
});

test('a settlement is what a plain count comes to, for each of several spans, and adds up to nothing', async (t) => {
  let owed = 0;
  holds(
    t,
    fc.property(steps, (list) => {
      const decisions = historyOf(list);
      const spans = [startMs, ...cuts]
        .slice(0, -1)
        .map((fromMs, index) => ({ fromMs, toMs: cuts[index] as number }));
      const entries = entriesOf(decisions, spans.at(-1)?.toMs ?? 0);
      const settlements = settlementsOf(textOf(decisions), spans);
      for (const [index, { fromMs, toMs }] of spans.entries()) {
        const settlement = settlements[index] as Settlement;
        deepStrictEqual(settlement.lines, plainLines(clipped(entries, fromMs, toMs)));
        checkSums(settlement);
        owed += settlement.debts.length;
      }
    }),
    300,
  );
  t.ok(owed > 300, `${owed} debts`);
});

test('a segment costs what it alone comes to', async (t) => {
  holds(
    t,
    fc.property(steps, (list) => {
      const decisions = historyOf(list);
      const endMs = cuts[2] as number;
      const entries = entriesOf(decisions, endMs);
      for (const segment of segmentsOf(textOf(decisions), endMs)) {
        const within = clipped(entries, segment.fromMs, segment.toMs).filter(
          ({ uid }) => uid === segment.uid,
        );
        const parts = within.reduce((sum, entry) => sum + entry.parts, 0n);
        deepStrictEqual(costMicros(segment), Number(rounded(parts, partsPerMicro)));
      }
    }),
    100,
  );
});

test('the same journal gives the same bytes, also when keys stand in another order', async (t) => {
  holds(
    t,
    fc.property(steps, (list) => {
      const decisions = historyOf(list);
      const spans = [{ fromMs: startMs, toMs: cuts[1] as number }];
      const once = JSON.stringify(settlementsOf(textOf(decisions), spans));
      deepStrictEqual(JSON.stringify(settlementsOf(textOf(structuredClone(decisions)), spans)), once);
      // As another version might write them; the type does not stand in front then.
      const reordered: Decision[] = decisions.map(([atMs, changes]) => [atMs, changes.map(reversedKeys)]);
      deepStrictEqual(JSON.stringify(settlementsOf(textOf(reordered), spans)), once);
    }),
    100,
  );
});

/** The same with the keys of its objects in the opposite order. */
function reversedKeys<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversedKeys) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inside]) => [key, reversedKeys(inside)])) as T;
}

test('what the deciders write is counted as well as what a test makes up', async (t) => {
  let segmentsSeen = 0;
  holds(
    t,
    fc.property(script, (list) => {
      const world = beginningWorld(list);
      const decisions = world.journal.map((line) => JSON.parse(line) as Decision);
      const text = Buffer.from(world.journal.join('\n'));
      for (const endMs of [world.nowMs - 10_000, world.nowMs + hour]) {
        const segments = segmentsOf(text, endMs);
        segmentsSeen += segments.length;
        const before = decisions.filter(([atMs]) => atMs < endMs);
        checkCover(segments, entriesOf(before, endMs));
      }
    }),
    150,
  );
  t.ok(segmentsSeen > 100, `${segmentsSeen} segments`);
});

function beginningWorld(list: typeof script extends fc.Arbitrary<infer T> ? T : never) {
  const world = beginning();
  for (const { what, afterMs } of list) {
    world.nowMs += afterMs;
    world.try(commandOf(world, what));
  }
  return world;
}
