/** What can be asked of the journal, and what comes back: plain data, which goes from thread to thread. */
import type { Refusal } from '../refusal.js';
import type { Segment, Span } from './segment.js';
import type { Settlement } from './settlement.js';

export interface Asked {
  /** The newest decision that counts. */
  upTo: number;
  /** Nothing is counted beyond this moment, which no decision is after. */
  nowMs: number;
}

export interface UsageQuestion extends Asked {
  kind: 'usage';
  /** The top of the subtree that is asked for; null for all. */
  administration: string | null;
  span: Span;
}

export interface SettlementQuestion extends Asked {
  kind: 'settlement';
  /** One after the other, and apart. */
  spans: Span[];
}

export type Question = UsageQuestion | SettlementQuestion;

/** A span as it was settled. */
export interface Settled extends Settlement {
  /** The journal has not come to the end of the span yet, so that more could still follow. */
  provisional: boolean;
  /** The batch of the journal that has the last decision before the span's end, or before now. */
  sequence: number;
  journalHash: string;
}

/** What segments are handed on together. */
export const segmentsAtOnce = 200;

export type Told =
  | { progress: { read: number; total: number } }
  | { segments: Segment[] }
  /** For each span. */
  | { settled: Settled[] };

export type Piece = Told | { refusal: Refusal };
