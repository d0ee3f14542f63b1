/** What is checked of every file that has a part of the journal: the chain, and the rows that stand beside it. */
import type Database from 'better-sqlite3';
import { brokenChain, follows, type JournalRow, rowColumns } from './rows.js';
import { schemaOf, schemaWithCommitments } from './schema.js';
import { checkpointSum, rowSum } from './sums.js';

const rowsAtOnce = 64;

/** Is told what is broken, in words that go on after "is damaged:". */
export type Found = (what: string) => void;

/** The journal's chain, a few rows at a time. */
export class ChainCheck {
  readonly #some: Database.Statement<[number], JournalRow>;
  readonly #found: Found;
  #before: Pick<JournalRow, 'last' | 'hash'>;

  /** `base` is what the first row follows. */
  constructor(db: Database.Database, base: Pick<JournalRow, 'last' | 'hash'>, found: Found) {
    const older = rowColumns.replace('salts, erased', 'NULL AS salts, NULL AS erased');
    const columns = schemaOf(db) >= schemaWithCommitments ? rowColumns : older;
    this.#some = db.prepare(
      `SELECT ${columns} FROM journal WHERE last > ? ORDER BY last LIMIT ${rowsAtOnce}`,
    );
    this.#before = base;
    this.#found = found;
  }

  /** The last sequence that it has seen. */
  get end(): number {
    return this.#before.last;
  }

  /** The hash there. */
  get hash(): Buffer {
    return this.#before.hash;
  }

  /** Says whether there was more: a busy writer always has a little, so that nothing would come of waiting for the end. */
  next(): 'more' | 'all' {
    const rows = this.#some.all(this.end);
    for (const row of rows) {
      if (!follows(this.#before, row)) this.#found(brokenChain(row));
      this.#before = row;
    }
    return rows.length === rowsAtOnce ? 'more' : 'all';
  }
}

export function checkCheckpoints(db: Database.Database, found: Found): void {
  const rows = db.prepare<
    [],
    {
      sequence: number;
      incarnation: number;
      at_ms: number;
      hash: Buffer;
      signature: Buffer;
      sum: number | null;
    }
  >('SELECT * FROM checkpoint');
  for (const { sequence, incarnation, at_ms, hash, signature, sum } of rows.iterate()) {
    if (sum !== checkpointSum(sequence, incarnation, at_ms, hash, signature))
      found(`the checkpoint at sequence ${sequence} is not as it was written (its checksum differs)`);
  }
}

/** What accounting has come to where the journal begins. */
export function checkOpening(db: Database.Database, found: Found): void {
  const rows = db.prepare<[], { part: number; body: string; sum: number }>('SELECT * FROM opening');
  for (const { part, body, sum } of rows.iterate()) {
    if (sum !== rowSum(part, body)) found(brokenOpening(part));
  }
}

export function brokenOpening(part: number): string {
  return `part ${part} of what accounting begins with is not as it was written (table opening, its checksum differs)`;
}
