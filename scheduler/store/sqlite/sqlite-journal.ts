/**
 * The journal of a SQLite store, read through a connection of its own that cannot write. A transaction that stays open
 * would keep the writer's log from being folded into the file, so rows are read a few at a time; what was read once never
 * changes.
 */
import Database from 'better-sqlite3';
import { type Journal, type JournalRow, StoreError } from '../store.js';
import { chainHash, chainStart } from './chain.js';

/** A transaction ends when it has read so many rows, or bytes. */
const rowsAtOnce = 500;
const bytesAtOnce = 4 * 2 ** 20;
/** The file is mapped into memory up to this size: a page is then not copied before it is read. */
const mappedBytes = 2 ** 34;

export class SqliteJournal implements Journal {
  readonly #file: string;
  readonly #db: Database.Database;
  readonly #rows: Database.Statement<[number, number, number], JournalRow>;

  /** @throws StoreError when there is no such store. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#db = new Database(file, { readonly: true, fileMustExist: true });
      this.#db.pragma(`mmap_size = ${mappedBytes}`);
      this.#rows = this.#db.prepare(
        'SELECT first, last, CAST(body AS BLOB) AS body, hash FROM journal WHERE last > ? AND last <= ? ORDER BY last LIMIT ?',
      );
    } catch (error) {
      throw new StoreError(`cannot read ${file}: ${(error as Error).message}`);
    }
  }

  *rows(upTo: number): Generator<JournalRow> {
    let before: Pick<JournalRow, 'last' | 'hash'> = { last: 0, hash: chainStart };
    while (before.last < upTo) {
      const piece = this.#piece(before.last, upTo);
      if (piece.length === 0) throw this.#damaged(before.last + 1, upTo);
      for (const row of piece) {
        const { first, last, body, hash } = row;
        if (first !== before.last + 1 || !chainHash(before.hash, first, last, body).equals(hash)) {
          throw this.#damaged(first, last);
        }
        before = row;
        yield row;
      }
    }
  }

  #piece(after: number, upTo: number): JournalRow[] {
    const piece: JournalRow[] = [];
    let bytes = 0;
    try {
      for (const row of this.#rows.iterate(after, upTo, rowsAtOnce)) {
        piece.push(row);
        bytes += row.body.length;
        if (bytes >= bytesAtOnce) break;
      }
    } catch (error) {
      throw new StoreError(`${this.#file} cannot be read (${(error as Error).message})`);
    }
    return piece;
  }

  #damaged(first: number, last: number): StoreError {
    return new StoreError(
      `${this.#file} is damaged: the journal does not hold together at sequences ${first} to ${last}; restore a backup`,
    );
  }

  close(): void {
    this.#db.close();
  }
}
