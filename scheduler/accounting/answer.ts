/**
 * Answers a question from the journal's rows, and from nothing else: progress while they are read, then the result. A
 * generator, so that whoever hands the pieces on can wait, and can stop.
 */
import { type CountedChange, Fold, type SegmentSink } from '../core/accounting/fold.js';
import { readJournal } from '../core/accounting/journal-text.js';
import type { Segment } from '../core/accounting/segment.js';
import { Settling } from '../core/accounting/settlement.js';
import { UsageReport } from '../core/accounting/usage-report.js';
import { notFound } from '../core/refusal.js';
import type { JournalRow } from '../store/store.js';
import {
  type Piece,
  type Question,
  type Settled,
  type SettlementQuestion,
  segmentsAtOnce,
  type UsageQuestion,
} from '../core/accounting/questions.js';

export function answer(question: Question, rows: Iterable<JournalRow>): Generator<Piece> {
  return question.kind === 'usage' ? usage(question, rows) : settlement(question, rows);
}

function* usage(question: UsageQuestion, rows: Iterable<JournalRow>): Generator<Piece> {
  const { administration, span } = question;
  const reading = new Reading(question, span.toMs, (use, fromMs, toMs) => report.add(use, fromMs, toMs));
  const report = new UsageReport(
    span,
    (owner) => administration === null || reading.fold.isWithin(owner, administration),
  );
  yield* reading.read(rows);
  if (administration !== null && !reading.fold.hasSeen(administration)) {
    yield { refusal: notFound('administration', `administrations/${administration}`) };
    return;
  }
  let segments: Segment[] = [];
  for (const segment of report.segments()) {
    segments.push(segment);
    if (segments.length < segmentsAtOnce) continue;
    yield { segments };
    segments = [];
  }
  if (segments.length > 0) yield { segments };
}

function* settlement(question: SettlementQuestion, rows: Iterable<JournalRow>): Generator<Piece> {
  const { spans } = question;
  const settling = new Settling(spans);
  const endMs = Math.max(...spans.map(({ toMs }) => toMs));
  const reading = new Reading(question, endMs, (use, fromMs, toMs) => settling.add(use, fromMs, toMs));
  /** For each span the batch that has the last decision before its end. */
  const lastRows: (JournalRow | undefined)[] = [];
  reading.onDecision = (row, atMs) => {
    for (let index = spans.length - 1; index >= 0; index -= 1) {
      if (atMs >= (spans[index]?.toMs ?? 0)) break;
      lastRows[index] = row;
    }
  };
  yield* reading.read(rows);
  const settled = spans.map(({ toMs }, index): Settled => {
    const row = lastRows[index];
    return {
      ...settling.settlement(index),
      provisional: reading.reachedMs < toMs,
      sequence: row?.last ?? 0,
      journalHash: hex(row?.hash ?? new Uint8Array(32)),
    };
  });
  yield { settled };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** One reading of the journal, up to a moment or until now, whichever is earlier. */
class Reading {
  readonly fold: Fold;
  /** The time of the latest decision that was seen, if only to see that it comes too late. */
  reachedMs = 0;
  /** Is told of each decision that counts. */
  onDecision: (row: JournalRow, atMs: number) => void = () => {};

  constructor(
    private readonly question: Question,
    private readonly endMs: number,
    sink: SegmentSink,
  ) {
    this.fold = new Fold(sink);
  }

  *read(rows: Iterable<JournalRow>): Generator<Piece> {
    const { upTo, nowMs } = this.question;
    yield { progress: { read: 0, total: upTo } };
    for (const row of rows) {
      if (!this.#readRow(row)) break;
      yield { progress: { read: row.last, total: upTo } };
    }
    this.fold.close(Math.min(this.endMs, nowMs));
    yield { progress: { read: upTo, total: upTo } };
  }

  #readRow(row: JournalRow): boolean {
    return readJournal(row.body, {
      decision: (atMs) => {
        this.reachedMs = atMs;
        if (atMs >= this.endMs) return false;
        this.onDecision(row, atMs);
        return true;
      },
      change: (change: CountedChange, atMs) => this.fold.apply(change, atMs),
    });
  }
}
