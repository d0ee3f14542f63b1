/** The archive beside a store: which of its files are there, and whether they are whole. */
import { existsSync, readdirSync } from 'node:fs';
import Database from 'better-sqlite3';
import { checkSegment } from './segment-check.js';
import { isThere, segmentFile } from './segment-file.js';
import { archiveOf, boundsIn, type Segment, segmentName, segmentsIn } from './segments.js';

export interface CheckedArchive {
  /** Files that hold what was archived, and are whole. */
  whole: string[];
  /** Those that are not there. */
  missing: string[];
  /** Files of parts of a journal that this store knows nothing of. */
  strange: string[];
  /** What is broken, each with its file. */
  findings: { file: string; what: string }[];
}

/** Reads all of it, with a pause after each piece. Names are those within the archive's folder. */
export function* checkArchive(storeFile: string): Generator<void, CheckedArchive> {
  const segments = segmentsOf(storeFile);
  const checked: CheckedArchive = { whole: [], missing: [], strange: [], findings: [] };
  for (const segment of segments) {
    const [file, name] = [segmentFile(storeFile, segment), segmentName(segment)];
    if (!existsSync(file)) {
      checked.missing.push(name);
      continue;
    }
    const broken = yield* checkSegment(file, segment);
    if (broken.length === 0) checked.whole.push(name);
    checked.findings.push(...broken.map((what) => ({ file, what })));
    yield;
  }
  checked.strange = strangersIn(storeFile);
  return checked;
}

/** Names of files in the archive's folder that the store knows nothing of. */
export function strangersIn(storeFile: string): string[] {
  const known = new Set(segmentsOf(storeFile).map(segmentName));
  return filesIn(storeFile).filter((name) => !known.has(name));
}

/** Names of the files that a store's archive should have, and has not. */
export function missingIn(storeFile: string): string[] {
  return segmentsOf(storeFile)
    .filter((segment) => !isThere(storeFile, segment))
    .map(segmentName);
}

/** Those that a store's file speaks of, in order. */
export function segmentsOf(storeFile: string): Segment[] {
  // One that can only read would leave its part of the log behind.
  const db = new Database(storeFile, { fileMustExist: true });
  try {
    return segmentsIn(db);
  } finally {
    db.close();
  }
}

/** Names of the files in a store's archive that have a part of a journal, in order. */
export function filesIn(storeFile: string): string[] {
  const folder = archiveOf(storeFile);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => boundsIn(name) !== null)
    .sort();
}
