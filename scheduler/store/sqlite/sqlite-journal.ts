/**
 * The journal of a SQLite store, read through a connection of its own that cannot write. Most rows are one short line, and
 * to fetch each by itself would take most of the time, so SQLite puts many together. A piece is a transaction: one that
 * stayed open would keep the writer's log from being folded into the file, and what was read once never changes.
 */
import Database from 'better-sqlite3';
import { type Journal, type JournalHead, type JournalPiece, StoreError } from '../store.js';
import { chainStart } from './chain.js';
import { damaged } from './damage.js';

/** A piece has at most so many decisions and bytes, unless a single row has more. */
const decisionsAtOnce = 1000;
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
  readonly #extent: Database.Statement<[number, number], Extent>;
  readonly #next: Database.Statement<[number], number>;
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
        SELECT max(last) AS last, sum(last - first + 1) AS decisions, sum(octet_length(body)) AS bytes
        FROM journal WHERE last > ? AND last <= ?`);
      this.#next = this.#db
        .prepare<[number], number>('SELECT last FROM journal WHERE last > ? ORDER BY last LIMIT 1')
        .pluck();
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
        throw damaged(this.#file, `decisions are missing after sequence ${reached}`);
      }
      yield { first: reached + 1, last, text };
      reached = last;
    }
  }

  #piece(after: number, upTo: number): Extent & { text?: Buffer } {
    try {
      const extent = this.#extentAfter(after, upTo);
      return extent.last === null ? extent : { ...extent, text: this.#text.get(after, extent.last) };
    } catch (error) {
      throw new StoreError(`${this.#file} cannot be read (${(error as Error).message})`);
    }
  }

  #extentAfter(after: number, upTo: number): Extent {
    for (let most = decisionsAtOnce; most >= 1; most = Math.floor(most / 10)) {
      const extent = this.#extent.get(after, Math.min(after + most, upTo)) as Extent;
      if (extent.last !== null && extent.bytes <= bytesAtOnce) return extent;
    }
    return this.#extent.get(after, Math.min(this.#next.get(after) ?? after, upTo)) as Extent;
  }

  headWith(sequence: number): JournalHead {
    const beginning = { sequence: 0, hash: chainStart };
    return sequence < 1 ? beginning : (this.#head.get(sequence) ?? beginning);
  }

  close(): void {
    this.#db.close();
  }
}
