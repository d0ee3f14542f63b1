import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import { Fold } from '../../../../scheduler/core/accounting/fold.js';
import { readJournal } from '../../../../scheduler/core/accounting/journal-text.js';
import { ledgerOf, openingOf } from '../../../../scheduler/core/accounting/opening.js';
import type { Segment } from '../../../../scheduler/core/accounting/segment.js';
import { Settling } from '../../../../scheduler/core/accounting/settlement.js';
import { UsageReport } from '../../../../scheduler/core/accounting/usage-report.js';
import { holds } from '../../holds.js';
import { beginning, type Decision, historyOf, hour, startMs, steps, textOf, vm } from './journal-history.js';

/** Reads on with a fold; a journal without decisions has no text. */
function read(fold: Fold, decisions: readonly Decision[]): void {
  if (decisions.length === 0) return;
  readJournal(textOf(decisions), {
    decision: () => true,
    change: (change, atMs) => fold.apply(change, atMs),
  });
}

/** What was used and is owed from a moment on, of a subtree and of all. */
function reports(
  begin: (sink: ConstructorParameters<typeof Fold>[0]) => Fold,
  rest: Decision[],
  fromMs: number,
) {
  const toMs = (rest.at(-1)?.[0] ?? fromMs) + hour;
  const span = { fromMs, toMs };
  const settling = new Settling([span]);
  const all = new UsageReport(span, () => true);
  const below = new UsageReport(span, (owner) => fold.isWithin(owner, 'a0'));
  const fold: Fold = begin((use, from, to) => {
    settling.add(use, from, to);
    all.add(use, from, to);
    below.add(use, from, to);
  });
  read(fold, rest);
  fold.close(toMs);
  const listed = (report: UsageReport): Segment[] => [...report.segments()];
  const seen = ['a0', 'a1-b', 'nobody'].map((id) => fold.hasSeen(id));
  return JSON.stringify([listed(all), listed(below), settling.settlement(0), seen]);
}

test('accounting that begins at any decision comes to the bytes of that which has read everything', async (t) => {
  holds(
    t,
    fc.property(steps, fc.nat(), (list, where) => {
      const decisions = historyOf(list);
      const cut = 1 + (where % decisions.length);
      const [before, rest] = [decisions.slice(0, cut), decisions.slice(cut)];
      const fromMs = before.at(-1)?.[0] ?? 0;
      const kept = new Fold(() => {});
      read(kept, before);
      const opening = [...openingOf(kept.ledger)];
      const whole = reports(
        (sink) => {
          const fold = new Fold(sink);
          read(fold, before);
          return fold;
        },
        rest,
        fromMs,
      );
      deepStrictEqual(
        reports((sink) => new Fold(sink, ledgerOf(opening)), rest, fromMs),
        whole,
      );
      deepStrictEqual([...openingOf(ledgerOf(opening))], opening, 'and it can be kept again');
      return true;
    }),
    500,
  );
});

test('VMs that are under agreements that are gone are accounted for as before', async (t) => {
  const decisions: Decision[] = [
    [startMs, beginning],
    [
      startMs,
      ['u1', 'u2'].map((uid) => ({ type: 'vm.created', vm: vm(uid, 'a1', { host: 'h0', agreement: 'g0' }) })),
    ],
    [startMs + hour, [{ type: 'agreement.deleted', id: 'g0' }]],
  ];
  const rest: Decision[] = [[startMs + 3 * hour, [{ type: 'vm.removed', uid: 'u1' }]]];
  const begun = (sink: ConstructorParameters<typeof Fold>[0]) => {
    const fold = new Fold(sink);
    read(fold, decisions);
    return fold;
  };
  const opening = [...openingOf(begun(() => {}).ledger)];
  const whole = reports(begun, rest, startMs + 2 * hour);
  t.match(whole, /"agreement":"g0"/);
  t.equal(
    reports((sink) => new Fold(sink, ledgerOf(opening)), rest, startMs + 2 * hour),
    whole,
  );
});

test('an opening of which a part is missing, or whose form is not known, is none', async (t) => {
  const fold = new Fold(() => {});
  read(
    fold,
    historyOf(
      Array.from({ length: 9 }, () => ({
        kind: 'create' as const,
        one: 1,
        other: 1,
        afterMs: 1,
        joined: false,
      })),
    ),
  );
  const [head = '', ...vms] = openingOf(fold.ledger);
  t.equal(vms.length, 1);
  t.throws(() => ledgerOf([head]), /a part of what it was to begin with is missing/);
  t.throws(() => ledgerOf([]), /is missing/);
  t.throws(() => ledgerOf([head.replace('"opening":1', '"opening":2'), ...vms]), /its form is not known/);
});
