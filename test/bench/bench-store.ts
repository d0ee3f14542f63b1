/** What a benchmark sees of the store of a scheduler that runs, as a reader beside it. */
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { JournalLine } from '../../scheduler/core/audit/line.js';
import { savedSequence } from '../../scheduler/store/sqlite/entity-tables.js';
import { median } from './report.js';

const deadlineMs = 30_000;
const askAgainMs = 100;

export class BenchStore {
  readonly #db: Database.Database;
  readonly #last: Database.Statement<[], number>;
  readonly #saved: Database.Statement<[string], string>;

  constructor(file: string) {
    this.#db = new Database(file, { readonly: true, fileMustExist: true });
    this.#last = this.#db.prepare<[], number>('SELECT max(last) FROM journal').pluck();
    this.#saved = this.#db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  }

  /** The last sequence that is durable. */
  get last(): number {
    return this.#last.get() ?? 0;
  }

  /** Decisions in a group, as a median of those after this sequence. */
  decisionsPerGroup(after: number): number {
    const sizes = this.#db
      .prepare<[number], number>('SELECT last - first + 1 FROM journal WHERE last > ?')
      .pluck();
    return median(sizes.all(after));
  }

  /** How often a host was taken to be lost after this sequence. */
  lostHosts(after: number): number {
    const bodies = this.#db
      .prepare<[number], string | Buffer>('SELECT body FROM journal WHERE last > ?')
      .pluck();
    let lost = 0;
    for (const body of bodies.iterate(after)) {
      for (const line of String(body).split('\n')) {
        const [, changes] = JSON.parse(line) as JournalLine;
        lost += changes.filter((change) => change.type === 'host.state' && change.state === 'lost').length;
      }
    }
    return lost;
  }

  /** Waits until the writer has done all that it puts off while calls come, so that nobody is measured beside it. */
  async settled(): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    while (Number(this.#saved.get(savedSequence) ?? 0) < this.last) {
      if (performance.now() > endMs) throw new Error('the store did not come to rest');
      await pause(askAgainMs);
    }
  }

  close(): void {
    this.#db.close();
  }
}
