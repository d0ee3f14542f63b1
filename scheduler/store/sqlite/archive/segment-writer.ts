/**
 * Writes a segment: the rows of a plan with the checkpoints of their span, what accounting had come to before them, and what
 * the store is to know of it. The file is nobody's until it is synced and renamed, so it needs no journal of its own.
 */
import Database from 'better-sqlite3';
import type { JournalLine } from '../../../core/audit/line.js';
import { JournalCopy } from '../journal-copy.js';
import { newestSchema, segmentId } from '../schema.js';
import { firstCommittedIn } from '../sqlite-chain.js';
import type { Plan } from './plan.js';
import { addSegment, baseOf, type Segment } from './segments.js';

export interface SegmentOrder {
  storeFile: string;
  /** An empty file; the descriptor stays the caller's, who syncs it. */
  to: string;
  descriptor: number;
  plan: Plan;
  /** Those that the store has already. */
  segments: readonly Segment[];
}

const tables = ['journal', 'checkpoint', 'opening', 'archived'] as const;

/** Writes, with a pause after each piece. */
export function* writeSegment(order: SegmentOrder): Generator<void, Segment> {
  const { storeFile, to, descriptor, plan } = order;
  const db = new Database(to);
  try {
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.prepare('ATTACH ? AS live').run(storeFile);
    db.pragma(`page_size = ${db.pragma('live.page_size', { simple: true })}`);
    const definition = db
      .prepare<[string], string>('SELECT sql FROM live.sqlite_schema WHERE name = ?')
      .pluck();
    for (const table of tables) db.exec(definition.get(table) as string);
    const copy = new JournalCopy(db, descriptor, plan.last);
    while (copy.next() === 'more') yield;
    db.prepare('INSERT INTO main.checkpoint SELECT * FROM live.checkpoint WHERE sequence <= ?').run(
      plan.last,
    );
    db.exec('INSERT INTO main.opening SELECT * FROM live.opening');
    const segment = segmentOf(db, order);
    addSegment(db, segment);
    db.pragma(`user_version = ${newestSchema}`);
    db.pragma(`application_id = ${segmentId}`);
    return segment;
  } finally {
    db.close();
  }
}

function segmentOf(db: Database.Database, { plan, segments }: SegmentOrder): Segment {
  const { first, last, fromMs, toMs } = plan;
  const hash = db
    .prepare<[], Buffer>('SELECT hash FROM main.journal ORDER BY last DESC LIMIT 1')
    .pluck()
    .get();
  const leading = segments.at(-1)?.incarnations.at(-1)?.[0];
  return {
    first,
    last,
    fromMs,
    toMs,
    before: baseOf(segments).hash,
    hash: hash as Buffer,
    committed: firstCommittedIn(db, first),
    incarnations: incarnationsIn(db, first, leading),
  };
}

/** Who decided from where on; `leading` did before the first decision. */
function incarnationsIn(
  db: Database.Database,
  first: number,
  leading: number | undefined,
): Segment['incarnations'] {
  const incarnations: Segment['incarnations'] = leading === undefined ? [] : [[leading, first]];
  const rows = db.prepare<[], { first: number; body: string }>(
    `SELECT first, body FROM main.journal WHERE instr(body, '"federation.opened"') ORDER BY last`,
  );
  for (const row of rows.iterate()) {
    for (const [index, line] of row.body.split('\n').entries()) {
      const [, changes] = JSON.parse(line) as JournalLine;
      for (const change of changes) {
        if (change.type !== 'federation.opened') continue;
        const { incarnation } = change.epoch;
        if (incarnations.at(-1)?.[0] !== incarnation) incarnations.push([incarnation, row.first + index]);
      }
    }
  }
  return incarnations;
}
