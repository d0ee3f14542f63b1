/**
 * The journal's chain in a SQLite store, read through a connection of its own that cannot write. A few rows at a time are
 * one transaction: one that stayed open would keep the writer's log from being folded into the file.
 */
import Database from 'better-sqlite3';
import {
  type Chain,
  type ChainLine,
  type ChainRow,
  type JournalHead,
  type SignedCheckpoint,
  StoreError,
} from '../store.js';
import { chainStart, partsOf, saltBytes } from './chain.js';
import { damaged } from './damage.js';
import { commitmentsOfRow, erasedIn, type JournalRow, rowColumns } from './rows.js';

const rowsAtOnce = 16;
const newline = 0x0a;

export class SqliteChain implements Chain {
  readonly #file: string;
  readonly #db: Database.Database;

  /** @throws StoreError when there is no such store. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#db = new Database(file, { readonly: true, fileMustExist: true });
    } catch (error) {
      throw new StoreError(`cannot read ${file}: ${(error as Error).message}`);
    }
  }

  *rows(first: number, last: number): Generator<ChainRow> {
    const some = this.#db.prepare<[number, number], JournalRow>(
      `SELECT ${rowColumns} FROM journal WHERE last >= ? AND last <= ? ORDER BY last LIMIT ${rowsAtOnce}`,
    );
    const end = this.headWith(last).sequence;
    for (let next = first; next <= end; ) {
      const rows = some.all(next, end);
      if (rows.length === 0) return;
      for (const row of rows) yield this.#chained(row);
      next = (rows.at(-1) as JournalRow).last + 1;
    }
  }

  *rowsBackwards(from: number): Generator<ChainRow> {
    const some = this.#db.prepare<[number], JournalRow>(
      `SELECT ${rowColumns} FROM journal WHERE last <= ? ORDER BY last DESC LIMIT ${rowsAtOnce}`,
    );
    for (let next = this.headWith(from).sequence; next > 0; ) {
      const rows = some.all(next);
      if (rows.length === 0) return;
      for (const row of rows) yield this.#chained(row);
      next = (rows.at(-1) as JournalRow).first - 1;
    }
  }

  headWith(sequence: number): JournalHead {
    return (
      this.#head('WHERE last >= ? ORDER BY last LIMIT 1', sequence) ??
      this.#head('WHERE last <= ? ORDER BY last DESC LIMIT 1', sequence) ?? { sequence: 0, hash: chainStart }
    );
  }

  headBefore(sequence: number): JournalHead {
    return (
      this.#head('WHERE last < ? ORDER BY last DESC LIMIT 1', sequence) ?? { sequence: 0, hash: chainStart }
    );
  }

  #head(where: string, sequence: number): JournalHead | undefined {
    return this.#db
      .prepare<[number], JournalHead>(`SELECT last AS sequence, hash FROM journal ${where}`)
      .get(sequence);
  }

  /** Rows without commitments are the oldest: a few looks in the middle find where they end. */
  firstCommitted(): number | null {
    const at = this.#db.prepare<[number], { last: number; first: number; old: 0 | 1 }>(
      'SELECT first, last, salts IS NULL AS old FROM journal WHERE last >= ? ORDER BY last LIMIT 1',
    );
    const newest = this.#head('WHERE last >= ? ORDER BY last DESC LIMIT 1', 0)?.sequence ?? 0;
    let [low, high] = [1, newest + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = at.get(middle);
      if (row === undefined || row.old === 0) high = middle;
      else low = row.last + 1;
    }
    return low > newest ? null : (at.get(low)?.first ?? null);
  }

  checkpoints(first: number, last: number): SignedCheckpoint[] {
    return this.#db
      .prepare<[number, number], SignedCheckpoint>(
        `SELECT sequence, incarnation, at_ms AS atMs, hash, signature FROM checkpoint
         WHERE sequence >= ? AND sequence <= ? ORDER BY sequence, incarnation`,
      )
      .all(first, last);
  }

  close(): void {
    this.#db.close();
  }

  #chained({ first, last, at_ms: atMs, hash, body, salts, erased }: JournalRow): ChainRow {
    const texts = linesOf(body);
    if (texts.length !== last - first + 1) {
      throw damaged(this.#file, `sequences ${first} to ${last} have ${texts.length} lines`);
    }
    const commitments = salts === null ? null : commitmentsOfRow(body, salts, erased);
    const gone = erasedIn(erased);
    const lines = texts.map((text, index): ChainLine => {
      const salt = salts?.subarray(index * saltBytes, (index + 1) * saltBytes);
      return { text, parts: salt === undefined || gone.has(index) ? null : partsOf(salt, text) };
    });
    return { first, last, atMs, hash, commitments, lines };
  }
}

function linesOf(body: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start <= body.length; ) {
    const found = body.indexOf(newline, start);
    const end = found === -1 ? body.length : found;
    lines.push(body.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
