/**
 * How long it takes to settle a year of a million segments, month by month, as the scheduler does it: on a thread that reads
 * the store's file, while this one goes on with its own work and hears of the progress.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Accountant } from '../../scheduler/accounting/accountant.js';
import { Fold } from '../../scheduler/core/accounting/fold.js';
import { readJournal } from '../../scheduler/core/accounting/journal-text.js';
import type { Question, Settled } from '../../scheduler/core/accounting/questions.js';
import { SqliteJournal } from '../../scheduler/store/sqlite/sqlite-journal.js';
import { median, type Report } from './report.js';
import { writeYear, yearEndMs } from './settlement-journal.js';

const rounds = 3;
const thread = new URL('../../scheduler/accounting-thread.js', import.meta.url);

export async function settlement(report: Report, say: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-bench-'));
  try {
    await settle(join(folder, 'secovia.db'), report, say);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function settle(file: string, report: Report, say: (line: string) => void): Promise<void> {
  say('writing the journal of a year');
  const { decisions, bytes } = await writeYear(file);
  const segments = countSegments(file, decisions);
  report.figure('segments', segments);
  report.figure('decisions of the journal', decisions);
  report.figure('MiB of the journal', bytes / 2 ** 20);
  const months = Array.from({ length: 12 }, (_, month) => ({
    fromMs: Date.UTC(2026, month),
    toMs: Date.UTC(2026, month + 1),
  }));
  const question: Question = { kind: 'settlement', spans: months, upTo: decisions, nowMs: yearEndMs };
  const accountant = new Accountant(file, thread);
  const took: number[] = [];
  const results = new Set<string>();
  const held = monitorEventLoopDelay({ resolution: 1 });
  let settled: Settled[] = [];
  let told = 0;
  held.enable();
  for (let round = 1; round <= rounds; round += 1) {
    const startMs = performance.now();
    const take = async (piece: object) => {
      if ('settled' in piece) settled = piece.settled as Settled[];
      if ('progress' in piece) told += 1;
    };
    const refusal = await accountant.ask(question, take, new AbortController().signal);
    if (refusal !== null) throw new Error(refusal.message);
    took.push((performance.now() - startMs) / 1000);
    results.add(JSON.stringify(settled));
    say(`round ${round}: ${(took.at(-1) ?? 0).toFixed(2)} s`);
  }
  held.disable();
  report.figure(
    'lines of twelve months',
    settled.reduce((sum, { lines }) => sum + lines.length, 0),
  );
  report.figure('messages of progress in a round', told / rounds);
  const balances = settled.flatMap((month) => month.balances);
  report.figure('balances', balances.length);
  report.figure('longest hold of the event loop meanwhile, ms', held.max / 1e6);
  report.promise('segments', segments, { least: 1_000_000 });
  report.promise('seconds of settling a year of 1,000,000 segments', median(took), { most: 10 });
  const sums = new Map<string, bigint>();
  for (const { currency, amountMinor } of balances) {
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amountMinor));
  }
  const farthest = Math.max(...[...sums.values()].map((sum) => Math.abs(Number(sum))));
  report.promise('sum over partners', farthest, { least: 0, most: 0 });
  report.promise('different results of the same journal', results.size - 1, { most: 0 });
}

function countSegments(file: string, decisions: number): number {
  let segments = 0;
  const fold = new Fold(() => {
    segments += 1;
  });
  const journal = new SqliteJournal(file);
  for (const { text } of journal.pieces(decisions)) {
    readJournal(text, { decision: () => true, change: (change, atMs) => fold.apply(change, atMs) });
  }
  fold.close(yearEndMs);
  journal.close();
  return segments;
}
