/**
 * The journal's beginning, where it was moved out of a store: into files beside it, segments, of which each begins where the
 * one before ends. A store knows them by its table `archived`, whether they are there or not: it says where the store's own
 * rows begin, to what hash they are chained, and which file of a name is the one that is meant.
 */
import { dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import type { JournalHead } from '../../store.js';
import { chainStart } from '../chain.js';
import { schemaOf, schemaWithArchive } from '../schema.js';
import { archivedSum } from '../sums.js';

export interface Segment {
  /** Sequences of its decisions. */
  first: number;
  last: number;
  /** When its first and its last row were committed. */
  fromMs: number;
  toMs: number;
  /** The hash that its first row is chained to, and that of its last row. */
  before: Buffer;
  hash: Buffer;
  /** Its first decision that has a commitment; null when none has. */
  committed: number | null;
  /** Which incarnations decided in it, each with its first decision here, in order. */
  incarnations: [incarnation: number, from: number][];
}

/** Where a store's own rows begin: the end of what was archived. */
export interface Base {
  last: number;
  hash: Buffer;
  /** When the last archived row was committed; 0 when there is none. */
  atMs: number;
}

interface SegmentRow {
  first: number;
  last: number;
  from_ms: number;
  to_ms: number;
  before: Buffer;
  hash: Buffer;
  committed: number | null;
  incarnations: string;
  sum: number;
}

/** Those that a store, or a segment's own file, speaks of, in order. */
export function segmentsIn(db: Database.Database): Segment[] {
  return rowsIn(db).map(({ from_ms: fromMs, to_ms: toMs, incarnations, sum: _, ...row }) => ({
    ...row,
    fromMs,
    toMs,
    incarnations: JSON.parse(incarnations) as Segment['incarnations'],
  }));
}

function rowsIn(db: Database.Database): SegmentRow[] {
  if (schemaOf(db) < schemaWithArchive) return [];
  return db.prepare<[], SegmentRow>('SELECT * FROM archived ORDER BY last').all();
}

export function addSegment(db: Database.Database, segment: Segment): void {
  const { first, last, fromMs, toMs, before, hash, committed } = segment;
  const incarnations = JSON.stringify(segment.incarnations);
  const sum = archivedSum([first, last, fromMs, toMs, committed, incarnations], before, hash);
  db.prepare(
    `INSERT INTO archived (first, last, from_ms, to_ms, before, hash, committed, incarnations, sum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(first, last, fromMs, toMs, before, hash, committed, incarnations, sum);
}

export function baseOf(segments: readonly Segment[]): Base {
  const newest = segments.at(-1);
  if (newest === undefined) return { last: 0, hash: chainStart, atMs: 0 };
  return { last: newest.last, hash: newest.hash, atMs: newest.toMs };
}

/** What is wrong with what a store knows of its segments, in words that go on after "is damaged:". */
export function* brokenSegments(db: Database.Database): Generator<string> {
  let before: Pick<Base, 'last' | 'hash'> = baseOf([]);
  for (const row of rowsIn(db)) {
    const { first, last, from_ms, to_ms, committed, incarnations, sum } = row;
    const fields = [first, last, from_ms, to_ms, committed, incarnations];
    if (sum !== archivedSum(fields, row.before, row.hash)) {
      yield `what it knows of the archived decisions up to ${last} is not as it was written (table archived, its checksum differs)`;
    } else if (first !== before.last + 1 || !row.before.equals(before.hash)) {
      yield `the archived decisions ${first} to ${last} do not follow those before them (table archived, row ${last})`;
    }
    before = row;
  }
}

/** The one that has a decision. */
export function segmentWith(segments: readonly Segment[], sequence: number): Segment | undefined {
  return segments.find(({ first, last }) => first <= sequence && sequence <= last);
}

/** Who decided at a sequence of a segment: the number of the incarnation. */
export function incarnationIn({ incarnations }: Segment, sequence: number): number {
  return incarnations.findLast(([, from]) => from <= sequence)?.[0] ?? 0;
}

/** The folder of a store's segments. */
export function archiveOf(storeFile: string): string {
  return join(dirname(storeFile), 'archive');
}

/** As many digits as the largest sequence has, so that names sort. */
const digits = 16;

export function segmentName({ first, last }: Pick<Segment, 'first' | 'last'>): string {
  const [from, to] = [first, last].map((sequence) => String(sequence).padStart(digits, '0'));
  return `journal-${from}-${to}.sqlite`;
}

/** The bounds that a file's name says; null when it is no segment's. */
export function boundsIn(name: string): { first: number; last: number } | null {
  const [, first, last] = /^journal-(\d{16})-(\d{16})\.sqlite$/.exec(name) ?? [];
  return first === undefined ? null : { first: Number(first), last: Number(last) };
}

export function headOf({ last, hash }: Pick<Base, 'last' | 'hash'>): JournalHead {
  return { sequence: last, hash };
}
