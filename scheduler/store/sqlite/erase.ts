/**
 * Takes content out of lines of a store that nobody uses. A line that was altered is not what was committed to any more, so its
 * commitment is kept instead, and its salt dropped: the chain holds as before, and nobody can tell what the line said.
 */
import Database from 'better-sqlite3';
import { StoreError } from '../store.js';
import { hashBytes, saltBytes } from './chain.js';
import { savedSequence } from './entity-tables.js';
import { Meta } from './meta.js';
import { commitmentsOfRow, erasedIn, type JournalRow, rowColumns } from './rows.js';

const rowsAtOnce = 64;

export interface Erasing {
  /** Only count. */
  dryRun: boolean;
  /** Texts one of which is in every line that `without` would alter. */
  traces: readonly string[];
  /** An entity that has to be gone before. */
  record: { kind: string; key: string } | null;
  /** Whether what is kept besides the journal has something of what is to be erased; that is not altered here. */
  isIn(text: string): boolean;
  /** The line without what is to be erased; null where there is nothing of that. */
  without(line: string): string | null;
}

export interface Erasure {
  /** Lines that were altered, or would be. */
  lines: number;
  /** Rows of kept answers that have something of it. */
  keptAnswers: number;
}

/**
 * Alters the journal of a store, all of it or with an error nothing, and pauses after each piece.
 *
 * @throws StoreError when entities have something of what is to be erased, or a line cannot be altered; the message is a whole
 * sentence.
 */
export function* eraseIn(file: string, erasing: Erasing): Generator<void, Erasure> {
  const db = new Database(file, { fileMustExist: true });
  try {
    const { entities, keptAnswers } = tracesLeft(db, erasing);
    const [first] = entities;
    if (first !== undefined) {
      const more = entities.length > 1 ? ` and ${entities.length - 1} more` : '';
      throw new StoreError(
        `what there is still has it: ${first}${more}; delete that while the scheduler runs, stop it, and say this again`,
      );
    }
    const saved = Number(new Meta(db).get(savedSequence) ?? 0);
    const lines = yield* eraseLines(db, erasing, saved);
    if (!erasing.dryRun) makeStoreAnew(db);
    return { lines, keptAnswers };
  } finally {
    db.close();
  }
}

/** Alters the lines of a file, up to the sequence that its entities are of. */
export function* eraseLines(
  db: Database.Database,
  { traces, without, dryRun }: Erasing,
  saved: number,
): Generator<void, number> {
  const some = db.prepare<[number], JournalRow>(
    `SELECT ${rowColumns} FROM journal WHERE last > ? ORDER BY last LIMIT ${rowsAtOnce}`,
  );
  const save = db.prepare('UPDATE journal SET body = ?, salts = ?, erased = ? WHERE last = ?');
  let lines = 0;
  // Content that was replaced is not to stay in the file.
  db.pragma('secure_delete = ON');
  db.exec(dryRun ? 'BEGIN' : 'BEGIN IMMEDIATE');
  try {
    for (let rows = some.all(0); rows.length > 0; rows = some.all(rows.at(-1)?.last ?? 0)) {
      for (const row of rows) {
        const text = row.body.toString();
        if (!traces.some((trace) => text.includes(trace))) continue;
        const altered = alter(row, text, without);
        if (altered === null) continue;
        if (row.last > saved)
          throw new StoreError(`decisions up to ${row.last} are not in the tables yet${startFirst}`);
        if (!dryRun) save.run(altered.body, altered.salts, altered.erased, row.last);
        lines += altered.lines;
      }
      yield;
    }
    db.exec(dryRun ? 'ROLLBACK' : 'COMMIT');
  } catch (error) {
    // A commit that has failed may have ended the transaction.
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
  return lines;
}

function makeStoreAnew(db: Database.Database): void {
  try {
    makeAnew(db);
  } catch (error) {
    if ((error as Error & { code?: string }).code !== 'SQLITE_FULL') throw error;
    throw new StoreError(
      `the disk is full: no decision in ${db.name} says it any more, but the file has to be written anew, which takes twice its room for a while, or what was said may be left on its pages; make room, and say this again`,
    );
  }
}

/**
 * Writes a file anew. When SQLite moves rows between pages it leaves what was there before in the room between them, and no later
 * change of a row reaches that. Also where nothing was altered: an erasure before may have ended without.
 */
export function makeAnew(db: Database.Database): void {
  db.pragma('secure_delete = ON');
  db.exec('VACUUM');
  const [done] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  // What somebody still reads stays where it was.
  if (done?.busy === 1)
    throw new StoreError(
      `somebody reads ${db.name}, a backup perhaps: no decision in it says it any more, but what was said stays on its pages until the file is written anew; wait for them, and say this again`,
    );
}

const startFirst = '; start the scheduler, stop it with SIGTERM, and say this again';

interface Altered {
  body: string;
  salts: Buffer;
  erased: string;
  lines: number;
}

function alter(row: JournalRow, text: string, without: Erasing['without']): Altered | null {
  const lines = text.split('\n');
  const altered = new Map<number, string>();
  for (const [index, line] of lines.entries()) {
    const other = without(line);
    if (other !== null) altered.set(index, other);
  }
  if (altered.size === 0) return null;
  if (row.salts === null) {
    throw new StoreError(
      `decisions ${row.first} to ${row.last} were written by a version without commitments: the chain covers their very text, and nothing of it can be erased`,
    );
  }
  const commitments = commitmentsOfRow(row.body, row.salts, row.erased);
  const kept = erasedIn(row.erased);
  const salts = Buffer.from(row.salts);
  for (const [index, line] of altered) {
    lines[index] = line;
    salts.fill(0, index * saltBytes, (index + 1) * saltBytes);
    kept.set(index, commitments.subarray(index * hashBytes, (index + 1) * hashBytes));
  }
  const erased = [...kept].map(([index, commitment]) => [index, commitment.toString('base64')]);
  return {
    body: lines.join('\n'),
    salts,
    erased: JSON.stringify(Object.fromEntries(erased)),
    lines: altered.size,
  };
}

/** What of the store besides the journal has something of it: entities by kind and key, and how many rows of kept answers. */
function tracesLeft(
  db: Database.Database,
  { record, isIn }: Erasing,
): { entities: string[]; keptAnswers: number } {
  const entities: string[] = [];
  const small = db.prepare<[], [string, string, string]>('SELECT kind, key, body FROM entity').raw();
  for (const [kind, key, body] of small.iterate())
    if ((kind === record?.kind && key === record.key) || isIn(body)) entities.push(`${kind} "${key}"`);
  for (const table of ['vm', 'operation']) {
    const large = db.prepare<[], [number, string]>(`SELECT row, body FROM ${table}`).raw();
    for (const [row, body] of large.iterate()) if (isIn(body)) entities.push(`${table} in row ${row}`);
  }
  let keptAnswers = 0;
  const kept = db.prepare<[], [string, Buffer]>('SELECT entries, replies FROM request').raw();
  for (const [entries, replies] of kept.iterate())
    if (isIn(entries) || isIn(replies.toString())) keptAnswers += 1;
  return { entities, keptAnswers };
}
