/** Copies the journal of a store that is attached as `live`, a few megabytes at a time: nothing of what is there changes. */
import { fdatasyncSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** So many bytes, or rows, are copied at once. */
const bytesAtOnce = 8 * 2 ** 20;
const rowsAtOnce = 4096;
/** So much is handed to the disk at once; all of it at the end would hold up whoever else waits for that disk. */
const unsyncedBytes = 64 * 2 ** 20;

export class JournalCopy {
  readonly #sizes: Database.Statement<[number, number], { last: number; bytes: number }>;
  readonly #copy: Database.Statement<[number, number]>;
  #reached = 0;
  #unsynced = 0;

  /** `descriptor` is of the file that is copied to; rows end at `upTo` or before. */
  constructor(
    db: Database.Database,
    private readonly descriptor: number,
    private readonly upTo: number = Number.MAX_SAFE_INTEGER,
  ) {
    // How long rows are is known from their heads, without reading what is in them.
    this.#sizes = db.prepare(
      `SELECT last, octet_length(body) AS bytes FROM live.journal
       WHERE last > ? AND last <= ? ORDER BY last LIMIT ${rowsAtOnce}`,
    );
    this.#copy = db.prepare(
      'INSERT INTO main.journal SELECT * FROM live.journal WHERE last > ? AND last <= ? ORDER BY last',
    );
  }

  /** Copies a piece, and says whether there was more. */
  next(): 'more' | 'all' {
    const rows = this.#sizes.all(this.#reached, this.upTo);
    let [taken, bytes] = [0, 0];
    for (const row of rows) {
      if (taken > 0 && bytes + row.bytes > bytesAtOnce) break;
      taken += 1;
      bytes += row.bytes;
    }
    const last = rows[taken - 1]?.last;
    if (last === undefined) return 'all';
    this.#copy.run(this.#reached, last);
    this.#reached = last;
    this.#unsynced += bytes;
    if (this.#unsynced > unsyncedBytes) {
      fdatasyncSync(this.descriptor);
      this.#unsynced = 0;
    }
    return taken < rows.length || rows.length === rowsAtOnce ? 'more' : 'all';
  }
}
