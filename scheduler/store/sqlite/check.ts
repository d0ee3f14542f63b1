/**
 * Looks at every byte that matters of a store or a backup: SQLite's own structure, the journal's chain from its beginning,
 * and the checksum of every row. A start does the same, but hashes only the journal's end.
 */
import Database from 'better-sqlite3';
import { StoreError } from '../store.js';
import { readEntities } from './entity-rows.js';
import { savedSequence } from './entity-tables.js';
import { brokenKept, isWhole, type KeptRow } from './kept-requests.js';
import { brokenMeta } from './meta.js';
import { baseOf, brokenSegments, segmentsIn } from './archive/segments.js';
import { ChainCheck, checkCheckpoints, checkOpening, type Found } from './chain-check.js';
import { isBackup, isSegment, refuseNewer, schemaOf, schemaWithArchive, schemaWithSums } from './schema.js';
import { fileSum, metaSum } from './sums.js';
import { type Summary, summaryOf } from './summary.js';
import { cutJournal, cutTooFar } from './tail.js';

/** More findings than these are not told. */
const mostFindings = 20;

/** Errors that come from what is in the file, and not from who may read it. */
const ofTheFile = /^SQLITE_(CORRUPT|NOTADB|ERROR|IOERR|MISMATCH)/;

export interface Checked {
  /** What is broken, and where: the first few, in words that go on after "is damaged:". */
  findings: string[];
  /** What it holds; null when it is damaged. */
  summary: Summary | null;
}

/**
 * Checks a file, which may be called otherwise in what is said of it, with a pause after each piece. It may be in use.
 *
 * @throws StoreError when it is something else, or a newer program has written it.
 */
export function* checkStore(file: string, name = file): Generator<void, Checked> {
  const findings: string[] = [];
  const found = (what: string) => {
    if (findings.length < mostFindings) findings.push(what);
  };
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { fileMustExist: true });
    refuseNewer(name, schemaOf(db));
    if (isSegment(db))
      throw new StoreError(`${name} is a part of a journal: verify the data folder that it is of`);
    if (schemaOf(db) === 0) throw new StoreError(`${name} is neither a backup nor the store of a scheduler`);
    yield* checkAll(db, name, found);
    return { findings, summary: findings.length > 0 ? null : summaryOf(db) };
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !ofTheFile.test(error.code)) throw error;
    found(error.message);
    return { findings, summary: null };
  } finally {
    db?.close();
  }
}

function* checkAll(db: Database.Database, name: string, found: Found): Generator<void> {
  const integrity = db.prepare<[], string>(`PRAGMA integrity_check(${mostFindings})`).pluck();
  for (const what of integrity.all()) if (what !== 'ok') found(what);
  yield;
  for (const what of brokenSegments(db)) found(what);
  const base = baseOf(segmentsIn(db));
  const chain = new ChainCheck(db, base, found);
  while (chain.next() === 'more') yield;
  // All else is of one moment, also of a store that is being written.
  db.exec('BEGIN');
  if (baseOf(segmentsIn(db)).last !== base.last) {
    throw new StoreError(`${name} was archived from meanwhile; say it again`);
  }
  while (chain.next() === 'more') yield;
  const saved = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  const entitiesOf = Number(saved.get(savedSequence) ?? 0);
  if (entitiesOf > chain.end) found(cutJournal(entitiesOf, chain.end));
  if (entitiesOf < base.last) found(cutTooFar(entitiesOf, base.last));
  if (schemaOf(db) >= schemaWithSums) {
    readEntities(db, () => {}, found);
    yield;
    checkMeta(db, found);
    checkKept(db, found);
    checkCheckpoints(db, found);
  }
  if (schemaOf(db) >= schemaWithArchive) checkOpening(db, found);
  if (isBackup(db)) checkFiles(db, found);
}

function checkMeta(db: Database.Database, found: Found): void {
  const rows = db.prepare<[], { key: string; value: string; sum: number | null }>('SELECT * FROM meta');
  for (const { key, value, sum } of rows.iterate()) if (sum !== metaSum(key, value)) found(brokenMeta(key));
}

function checkKept(db: Database.Database, found: Found): void {
  const rows = db.prepare<[], KeptRow>('SELECT * FROM request');
  for (const row of rows.iterate()) if (!isWhole(row)) found(brokenKept(row));
}

/** What a backup has beside the store. */
function checkFiles(db: Database.Database, found: Found): void {
  const rows = db.prepare<[], { path: string; content: Buffer; sum: number }>('SELECT * FROM backup_file');
  for (const { path, content, sum } of rows.iterate()) {
    if (sum !== fileSum(path, content))
      found(`the file ${path} in it is not as it was written (its checksum differs)`);
  }
}
