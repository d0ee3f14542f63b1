/** Looks at every byte that matters of a segment, and whether it is what its store knows of it. */
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import { StoreError } from '../../store.js';
import { ChainCheck, checkCheckpoints, checkOpening, type Found } from '../chain-check.js';
import { isSame, openedSegment } from './segment-file.js';
import { type Segment, segmentsIn } from './segments.js';

const mostFindings = 20;

/**
 * What is broken in a file, in words that go on after "is damaged:", with a pause after each piece; nothing when it has the
 * segment, and is whole.
 */
export function* checkSegment(file: string, segment: Segment): Generator<void, string[]> {
  const findings: string[] = [];
  const found = (what: string) => {
    if (findings.length < mostFindings) findings.push(what);
  };
  let db: Database.Database | undefined;
  try {
    db = openedSegment(file);
    yield* checkAll(db, segment, found);
  } catch (error) {
    if (!(error instanceof Database.SqliteError) && !(error instanceof StoreError)) throw error;
    found(error.message);
  } finally {
    db?.close();
  }
  return findings;
}

function* checkAll(db: Database.Database, segment: Segment, found: Found): Generator<void> {
  const integrity = db.prepare<[], string>(`PRAGMA integrity_check(${mostFindings})`).pluck();
  for (const what of integrity.all()) if (what !== 'ok') found(what);
  yield;
  if (!isSame(db, segment)) {
    found('it is of another history than the store');
    return;
  }
  if (!isDeepStrictEqual(segmentsIn(db), [segment])) {
    found('what it says of itself is not what the store knows of it (table archived)');
  }
  const chain = new ChainCheck(db, { last: segment.first - 1, hash: segment.before }, found);
  while (chain.next() === 'more') yield;
  if (chain.end !== segment.last || !chain.hash.equals(segment.hash)) {
    found(`its journal ends at ${chain.end}, and was archived up to ${segment.last}`);
  }
  checkCheckpoints(db, found);
  checkOpening(db, found);
}
