/**
 * Answers a question from the journal, and from nothing else: progress while it is read, then the result. A generator, so
 * that whoever hands the pieces on can wait, and can stop.
 */
import { type CountedChange, Fold, type SegmentSink } from '../core/accounting/fold.js';
import { readJournal } from '../core/accounting/journal-text.js';
import { ledgerOf } from '../core/accounting/opening.js';
import type { Segment, Span } from '../core/accounting/segment.js';
import { Settling } from '../core/accounting/settlement.js';
import { UsageReport } from '../core/accounting/usage-report.js';
import { notFound } from '../core/refusal.js';
import type { Journal, JournalPiece, Opening } from '../store/store.js';
import {
  type Piece,
  type Question,
  type Settled,
  type SettlementQuestion,
  segmentsAtOnce,
  type UsageQuestion,
} from '../core/accounting/questions.js';

export function answer(question: Question, journal: Journal): Generator<Piece> {
  return question.kind === 'usage' ? usage(question, journal) : settlement(question, journal);
}

function* usage(question: UsageQuestion, journal: Journal): Generator<Piece> {
  const { administration, span } = question;
  const reading = new Reading(question, span, journal, (use, fromMs, toMs) => report.add(use, fromMs, toMs));
  const report = new UsageReport(
    span,
    (owner) => administration === null || reading.fold.isWithin(owner, administration),
  );
  yield* reading.read();
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

function* settlement(question: SettlementQuestion, journal: Journal): Generator<Piece> {
  const { spans } = question;
  const settling = new Settling(spans);
  const span: Span = {
    fromMs: Math.min(...spans.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...spans.map(({ toMs }) => toMs)),
  };
  const reading = new Reading(question, span, journal, (use, fromMs, toMs) =>
    settling.add(use, fromMs, toMs),
  );
  /** For each span the last decision before its end. */
  const lastBefore = spans.map(() => reading.begins);
  reading.onDecision = (sequence, atMs) => {
    for (let index = spans.length - 1; index >= 0; index -= 1) {
      if (atMs >= (spans[index]?.toMs ?? 0)) break;
      lastBefore[index] = sequence;
    }
  };
  yield* reading.read();
  const settled = spans.map(({ toMs }, index): Settled => {
    const { sequence, hash } = journal.headWith(lastBefore[index] ?? 0);
    return {
      ...settling.settlement(index),
      provisional: reading.reachedMs < toMs,
      sequence,
      journalHash: hash.toString('hex'),
    };
  });
  yield { settled };
}

/**
 * One reading of the journal, up to a moment or until now, whichever is earlier. It begins where accounting was kept last before
 * the span: what happened earlier is in what was kept.
 */
class Reading {
  readonly fold: Fold;
  /** The decision after which it begins. */
  readonly begins: number;
  /** The time of the latest decision that was seen, if only to see that it comes too late. */
  reachedMs: number;
  /** Is told of each decision that counts. */
  onDecision: (sequence: number, atMs: number) => void = () => {};

  /** @throws JournalArchived when it would have to begin in a file that is not here. */
  constructor(
    private readonly question: Question,
    private readonly span: Span,
    private readonly journal: Journal,
    sink: SegmentSink,
  ) {
    const opening: Opening | null = journal.openingAt(span.fromMs);
    this.begins = opening?.sequence ?? 0;
    this.reachedMs = opening?.atMs ?? 0;
    this.fold = opening === null ? new Fold(sink) : new Fold(sink, ledgerOf(opening.text));
  }

  *read(): Generator<Piece> {
    const { upTo, nowMs } = this.question;
    yield { progress: { read: 0, total: upTo } };
    for (const piece of this.journal.pieces(upTo, this.begins)) {
      if (!this.#take(piece)) break;
      if (piece.last < upTo) yield { progress: { read: piece.last, total: upTo } };
    }
    this.fold.close(Math.min(this.span.toMs, nowMs));
    yield { progress: { read: upTo, total: upTo } };
  }

  #take({ first, text }: JournalPiece): boolean {
    let sequence = first;
    return readJournal(text, {
      decision: (atMs) => {
        this.reachedMs = atMs;
        if (atMs >= this.span.toMs) return false;
        this.onDecision(sequence, atMs);
        sequence += 1;
        return true;
      },
      change: (change: CountedChange, atMs) => this.fold.apply(change, atMs),
    });
  }
}
