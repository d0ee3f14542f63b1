/**
 * The journal's chain in a SQLite store and the files of its archive, read through connections of its own that cannot write.
 * A few rows at a time are one transaction: one that stayed open would keep the writer's log from being folded into the file.
 */
import type Database from 'better-sqlite3';
import type { Chain, ChainLine, ChainRow, JournalHead, SignedCheckpoint } from '../store.js';
import { type Part, Parts } from './archive/parts.js';
import { partsOf, saltBytes } from './chain.js';
import { damaged } from './damage.js';
import { commitmentsOfRow, erasedIn, type JournalRow, rowColumns } from './rows.js';

const rowsAtOnce = 16;
const newline = 0x0a;

export class SqliteChain implements Chain {
  readonly #file: string;
  readonly #parts: Parts;

  /** @throws StoreError when there is no such store. */
  constructor(file: string) {
    this.#file = file;
    this.#parts = new Parts(file);
  }

  isMissing(sequence: number): boolean {
    return sequence > 0 && !this.#parts.with(sequence).isThere();
  }

  *rows(first: number, last: number): Generator<ChainRow> {
    for (const part of this.#parts.between(first, last)) yield* this.#rowsOf(part, first, last);
  }

  *#rowsOf(part: Part, first: number, last: number): Generator<ChainRow> {
    const some = part.db.prepare<[number, number], JournalRow>(
      `SELECT ${rowColumns} FROM journal WHERE last >= ? AND last <= ? ORDER BY last LIMIT ${rowsAtOnce}`,
    );
    const end = headIn(part, last).sequence;
    for (let next = first; next <= end; ) {
      const rows = some.all(next, end);
      if (rows.length === 0) return;
      for (const row of rows) yield this.#chained(row);
      next = (rows.at(-1) as JournalRow).last + 1;
    }
  }

  *rowsBackwards(from: number): Generator<ChainRow> {
    for (const part of this.#parts.between(1, from).reverse()) yield* this.#rowsBefore(part, from);
  }

  *#rowsBefore(part: Part, from: number): Generator<ChainRow> {
    const some = part.db.prepare<[number], JournalRow>(
      `SELECT ${rowColumns} FROM journal WHERE last <= ? ORDER BY last DESC LIMIT ${rowsAtOnce}`,
    );
    for (let next = headIn(part, from).sequence; next >= part.first; ) {
      const rows = some.all(next);
      if (rows.length === 0) return;
      for (const row of rows) yield this.#chained(row);
      next = (rows.at(-1) as JournalRow).first - 1;
    }
  }

  headWith(sequence: number): JournalHead {
    return headIn(this.#parts.with(sequence), sequence);
  }

  headBefore(sequence: number): JournalHead {
    const part = this.#parts.with(sequence);
    if (sequence <= part.first) return part.before;
    return head(part.db, 'WHERE last < ? ORDER BY last DESC LIMIT 1', sequence) ?? part.before;
  }

  firstCommitted(): number | null {
    for (const { committed } of this.#parts.segments) if (committed !== null) return committed;
    return firstCommittedIn(this.#parts.live.db, this.#parts.live.first);
  }

  checkpoints(first: number, last: number): SignedCheckpoint[] {
    return this.#parts.between(first, last).flatMap(({ db }) =>
      db
        .prepare<[number, number], SignedCheckpoint>(
          `SELECT sequence, incarnation, at_ms AS atMs, hash, signature FROM checkpoint
           WHERE sequence >= ? AND sequence <= ? ORDER BY sequence, incarnation`,
        )
        .all(first, last),
    );
  }

  close(): void {
    this.#parts.close();
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

/** The end of the row that has a decision; of the part's newest row when there is none. */
function headIn(part: Part, sequence: number): JournalHead {
  if (part.end !== null && sequence >= part.last) return part.end;
  return (
    head(part.db, 'WHERE last >= ? ORDER BY last LIMIT 1', sequence) ??
    head(part.db, 'WHERE last <= ? ORDER BY last DESC LIMIT 1', sequence) ??
    part.before
  );
}

function head(db: Database.Database, where: string, sequence: number): JournalHead | undefined {
  return db
    .prepare<[number], JournalHead>(`SELECT last AS sequence, hash FROM journal ${where}`)
    .get(sequence);
}

/** Rows without commitments are the oldest: a few looks in the middle find where they end. */
export function firstCommittedIn(db: Database.Database, first: number): number | null {
  const at = db.prepare<[number], { last: number; first: number; old: 0 | 1 }>(
    'SELECT first, last, salts IS NULL AS old FROM journal WHERE last >= ? ORDER BY last LIMIT 1',
  );
  const newest = head(db, 'WHERE last >= ? ORDER BY last DESC LIMIT 1', 0)?.sequence ?? 0;
  let [low, high] = [first, newest + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = at.get(middle);
    if (row === undefined || row.old === 0) high = middle;
    else low = row.last + 1;
  }
  return low > newest ? null : (at.get(low)?.first ?? null);
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
