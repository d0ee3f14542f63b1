/** Segments and settlements of a journal, for tests. */
import { Fold } from '../../../../scheduler/core/accounting/fold.js';
import { readJournal } from '../../../../scheduler/core/accounting/journal-text.js';
import type { Segment, Span } from '../../../../scheduler/core/accounting/segment.js';
import { type Settlement, Settling } from '../../../../scheduler/core/accounting/settlement.js';

function fold(text: Buffer, endMs: number, sink: (segment: Segment) => void): void {
  const folding = new Fold((use, fromMs, toMs) => sink({ ...use, fromMs, toMs }));
  readJournal(text, {
    decision: (atMs) => atMs < endMs,
    change: (change, atMs) => folding.apply(change, atMs),
  });
  folding.close(endMs);
}

/** In the order in which they end. */
export function segmentsOf(text: Buffer, endMs: number): Segment[] {
  const segments: Segment[] = [];
  fold(text, endMs, (segment) => segments.push(segment));
  return segments;
}

export function settlementsOf(text: Buffer, spans: Span[]): Settlement[] {
  const settling = new Settling(spans);
  const endMs = Math.max(...spans.map(({ toMs }) => toMs));
  fold(text, endMs, (segment) => settling.add(segment, segment.fromMs, segment.toMs));
  return spans.map((_span, index) => settling.settlement(index));
}
