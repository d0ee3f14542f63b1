/**
 * The journal of a SQLite store and of its archive, read through connections of its own that cannot write. Most rows are one
 * short line, and to fetch each by itself would take most of the time, so SQLite puts many together. A piece is a transaction:
 * one that stayed open would keep the writer's log from being folded into the file, and what was read once never changes.
 */
import type Database from 'better-sqlite3';
import { type Journal, type JournalHead, type JournalPiece, type Opening, StoreError } from '../store.js';
import { openingText } from './archive/opening-table.js';
import { type Part, Parts } from './archive/parts.js';
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
  readonly #parts: Parts;

  /** @throws StoreError when there is no such store. */
  constructor(file: string) {
    this.#file = file;
    this.#parts = new Parts(file);
  }

  *pieces(upTo: number, after = 0): Generator<JournalPiece> {
    let reached = after;
    for (const part of this.#parts.between(after + 1, upTo)) {
      for (const piece of this.#piecesOf(part, reached, Math.min(upTo, part.last))) {
        yield piece;
        reached = piece.last;
      }
    }
  }

  *#piecesOf(part: Part, after: number, upTo: number): Generator<JournalPiece> {
    const reader = new PartReader(part.db);
    for (let reached = after; reached < upTo; ) {
      const { last, decisions, text } = this.#piece(reader, reached, upTo);
      if (last === null || reached + decisions !== last || text === undefined) {
        throw damaged(this.#file, `decisions are missing after sequence ${reached}`);
      }
      yield { first: reached + 1, last, text };
      reached = last;
    }
  }

  #piece(reader: PartReader, after: number, upTo: number): Extent & { text?: Buffer } {
    try {
      return reader.piece(after, upTo);
    } catch (error) {
      throw new StoreError(`${this.#file} cannot be read (${(error as Error).message})`);
    }
  }

  openingAt(atMs: number): Opening | null {
    const { segments } = this.#parts;
    const before = segments.findLast(({ toMs }) => toMs <= atMs);
    if (before === undefined) return null;
    // It stands in the file of what comes next.
    const { db } = this.#parts.with(before.last + 1);
    return { sequence: before.last, atMs: before.toMs, text: openingText(this.#file, db) };
  }

  headWith(sequence: number): JournalHead {
    const beginning = { sequence: 0, hash: chainStart };
    if (sequence < 1) return beginning;
    const part = this.#parts.with(sequence);
    if (part.last === sequence && part.end !== null) return part.end;
    const next = part.db.prepare<[number], JournalHead>(
      'SELECT last AS sequence, hash FROM journal WHERE last >= ? ORDER BY last LIMIT 1',
    );
    return next.get(sequence) ?? beginning;
  }

  close(): void {
    this.#parts.close();
  }
}

/** Reads one file. */
class PartReader {
  readonly #extent: Database.Statement<[number, number], Extent>;
  readonly #next: Database.Statement<[number], number>;
  readonly #text: Database.Statement<[number, number], Buffer>;

  constructor(db: Database.Database) {
    db.pragma(`mmap_size = ${mappedBytes}`);
    // How long a piece would be is known from the heads of its rows, without reading what is in them.
    this.#extent = db.prepare(`
      SELECT max(last) AS last, sum(last - first + 1) AS decisions, sum(octet_length(body)) AS bytes
      FROM journal WHERE last > ? AND last <= ?`);
    this.#next = db
      .prepare<[number], number>('SELECT last FROM journal WHERE last > ? ORDER BY last LIMIT 1')
      .pluck();
    this.#text = db
      .prepare<[number, number], Buffer>(`
        SELECT CAST(group_concat(body, char(10)) AS BLOB) FROM (
          SELECT body FROM journal WHERE last > ? AND last <= ? ORDER BY last
        )`)
      .pluck();
  }

  piece(after: number, upTo: number): Extent & { text?: Buffer } {
    const extent = this.#extentAfter(after, upTo);
    return extent.last === null ? extent : { ...extent, text: this.#text.get(after, extent.last) };
  }

  #extentAfter(after: number, upTo: number): Extent {
    for (let most = decisionsAtOnce; most >= 1; most = Math.floor(most / 10)) {
      const extent = this.#extent.get(after, Math.min(after + most, upTo)) as Extent;
      if (extent.last !== null && extent.bytes <= bytesAtOnce) return extent;
    }
    return this.#extent.get(after, Math.min(this.#next.get(after) ?? after, upTo)) as Extent;
  }
}
