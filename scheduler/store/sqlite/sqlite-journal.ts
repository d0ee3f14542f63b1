/**
 * The journal of a SQLite store, read through a connection of its own that cannot write. Most rows are one short line, and
 * to fetch each by itself would take most of the time, so SQLite puts many together. A piece is a transaction: one that
 * stayed open would keep the writer's log from being folded into the file, and what was read once never changes.
 */
import Database from 'better-sqlite3';
import { type Journal, type JournalHead, type JournalPiece, StoreError } from '../store.js';
import { chainStart } from './chain.js';

/** A piece has at most so many rows, and one alone if that is longer than so many bytes. */
const rowsAtOnce = 1000;
const bytesAtOnce = 8 * 2 ** 20;
/** The file is mapped into memory up to this size: pages are then not copied to be read. */
const mappedBytes = 2 ** 36;

interface Extent {
  last: number | null;
  decisions: number;
  bytes: number;
}

export class SqliteJournal implements Journal {
  readonly #file: string;
  readonly #db: Database.Database;
  readonly #extent: Database.Statement<[number, number, number], Extent>;
  readonly #text: Database.Statement<[number, number], Buffer>;
  readonly #head: Database.Statement<[number], JournalHead>;

  /** @throws StoreError when there is no such store. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#db = new Database(file, { readonly: true, fileMustExist: true });
      this.#db.pragma(`mmap_size = ${mappedBytes}`);
      // How long a piece would be is known from the heads of its rows, without reading what is in them.
      this.#extent = this.#db.prepare(`
        SELECT max(last) AS last, sum(last - first + 1) AS decisions, sum(bytes) AS bytes FROM (
          SELECT first, last, octet_length(body) AS bytes FROM journal
          WHERE last > ? AND last <= ? ORDER BY last LIMIT ?
        )`);
      this.#text = this.#db
        .prepare<[number, number], Buffer>(`
          SELECT CAST(group_concat(body, char(10)) AS BLOB) FROM (
            SELECT body FROM journal WHERE last > ? AND last <= ? ORDER BY last
          )`)
        .pluck();
      this.#head = this.#db.prepare(
        'SELECT last AS sequence, hash FROM journal WHERE last >= ? ORDER BY last LIMIT 1',
      );
    } catch (error) {
      throw new StoreError(`cannot read ${file}: ${(error as Error).message}`);
    }
  }

  *pieces(upTo: number): Generator<JournalPiece> {
    for (let reached = 0; reached < upTo; ) {
      const { last, decisions, text } = this.#piece(reached, upTo);
      if (last === null || reached + decisions !== last || text === undefined) {
        throw new StoreError(
          `${this.#file} is damaged: decisions are missing after sequence ${reached}; restore a backup`,
        );
      }
      yield { first: reached + 1, last, text };
      reached = last;
    }
  }

  #piece(after: number, upTo: number): Extent & { text?: Buffer } {
    try {
      let rows = rowsAtOnce;
      let extent = this.#extent.get(after, upTo, rows) as Extent;
      while (extent.bytes > bytesAtOnce && rows > 1) {
        rows = Math.ceil(rows / 10);
        extent = this.#extent.get(after, upTo, rows) as Extent;
      }
      return extent.last === null ? extent : { ...extent, text: this.#text.get(after, extent.last) };
    } catch (error) {
      throw new StoreError(`${this.#file} cannot be read (${(error as Error).message})`);
    }
  }

  headWith(sequence: number): JournalHead {
    const beginning = { sequence: 0, hash: chainStart };
    return sequence < 1 ? beginning : (this.#head.get(sequence) ?? beginning);
  }

  close(): void {
    this.#db.close();
  }
}
