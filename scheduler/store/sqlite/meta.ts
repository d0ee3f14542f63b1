/** What is known of a store as a whole: a few values by key, each with its checksum. */
import type Database from 'better-sqlite3';
import { metaSum } from './sums.js';

export class Meta {
  readonly #get: Database.Statement<[string], { value: string; sum: number | null }>;
  readonly #set: Database.Statement;

  constructor(db: Database.Database) {
    this.#get = db.prepare('SELECT value, sum FROM meta WHERE key = ?');
    this.#set = db.prepare(
      'INSERT INTO meta VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, sum = excluded.sum',
    );
  }

  get(key: string): string | undefined {
    return this.#get.get(key)?.value;
  }

  /** Whether a value is as it was written; one that is not there is. */
  isWhole(key: string): boolean {
    const found = this.#get.get(key);
    return found === undefined || found.sum === metaSum(key, found.value);
  }

  set(key: string, value: string): void {
    this.#set.run(key, value, metaSum(key, value));
  }
}

/** What is wrong with a value, in words that go on after "is damaged:". */
export function brokenMeta(key: string): string {
  return `the value "${key}" is not as it was written (table meta, its checksum differs)`;
}
