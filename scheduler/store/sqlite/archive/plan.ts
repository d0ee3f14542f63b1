/** How much of a journal can be archived: whole rows from its beginning. */
import Database from 'better-sqlite3';
import { damaged } from '../damage.js';
import { savedSequence } from '../entity-tables.js';
import { Meta } from '../meta.js';
import { verifiedTail } from '../tail.js';
import { baseOf, brokenSegments, segmentsIn } from './segments.js';

export interface Plan {
  /** Sequences of the decisions. */
  first: number;
  last: number;
  rows: number;
  /** About what they take of the store's file, which is what a file of their own will have. */
  bytes: number;
  /** When the first and the last row were committed. */
  fromMs: number;
  toMs: number;
}

/**
 * The rows that were committed before a moment, but none that the entities do not have yet, and none of those that a start
 * hashes again. Null when there are none.
 *
 * @throws StoreError when what the store knows of its archive is damaged.
 */
export function planFor(storeFile: string, beforeMs: number): Plan | null {
  const db = new Database(storeFile, { fileMustExist: true });
  try {
    for (const what of brokenSegments(db)) throw damaged(storeFile, what);
    return planOf(db, beforeMs);
  } finally {
    db.close();
  }
}

function planOf(db: Database.Database, beforeMs: number): Plan | null {
  const base = baseOf(segmentsIn(db));
  const last = Math.min(lastBefore(db, beforeMs), lastBeforeTail(db), saved(db));
  const extent = db
    .prepare<[number], Omit<Plan, 'first' | 'bytes' | 'last'> & { last: number | null; share: number }>(
      `SELECT max(last) AS last, count(*) AS rows, min(at_ms) AS fromMs, max(at_ms) AS toMs,
         sum(octet_length(body)) * 1.0 / (SELECT sum(octet_length(body)) FROM journal) AS share
       FROM journal WHERE last <= ?`,
    )
    .get(last);
  if (extent === undefined || extent.last === null) return null;
  const { share, ...rest } = extent;
  return { ...rest, first: base.last + 1, last: extent.last, bytes: Math.ceil(share * usedBytes(db)) };
}

/** What the store's file has, without what is free in it. */
function usedBytes(db: Database.Database): number {
  const number = (name: string) => db.pragma(name, { simple: true }) as number;
  return (number('page_count') - number('freelist_count')) * number('page_size');
}

/** The end of the row before the first that was committed at this moment or later. */
function lastBefore(db: Database.Database, beforeMs: number): number {
  const next = db
    .prepare<[number], number>('SELECT first FROM journal WHERE at_ms >= ? ORDER BY last LIMIT 1')
    .pluck()
    .get(beforeMs);
  return next === undefined ? Number.MAX_SAFE_INTEGER : next - 1;
}

function lastBeforeTail(db: Database.Database): number {
  const newest = db.prepare<[number], number>('SELECT last FROM journal ORDER BY last DESC LIMIT 1 OFFSET ?');
  return newest.pluck().get(verifiedTail) ?? 0;
}

function saved(db: Database.Database): number {
  return Number(new Meta(db).get(savedSequence) ?? 0);
}
