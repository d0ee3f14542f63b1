/** The fourth step of the schema: checksums for every row that there is. */
import type Database from 'better-sqlite3';
import {
  checkpointSum,
  emptyStamp,
  entitiesStamp,
  entitySum,
  entityTables,
  keptSum,
  metaSum,
  restamp,
  rowSum,
} from './sums.js';

const columns = `
  ALTER TABLE meta ADD COLUMN sum INTEGER;
  ALTER TABLE entity ADD COLUMN sum INTEGER;
  ALTER TABLE vm ADD COLUMN sum INTEGER;
  ALTER TABLE operation ADD COLUMN sum INTEGER;
  ALTER TABLE request ADD COLUMN entries_sum INTEGER;
  ALTER TABLE request ADD COLUMN replies_sum INTEGER;
  ALTER TABLE checkpoint ADD COLUMN sum INTEGER;
`;

export function addSums(db: Database.Database): void {
  db.exec(columns);
  db.function('row_sum', rowSum);
  db.function('entity_sum', entitySum);
  db.function('meta_sum', metaSum);
  db.function('kept_sum', keptSum);
  db.function('checkpoint_sum', checkpointSum);
  db.exec(`
    UPDATE entity SET sum = entity_sum(kind, key, body);
    UPDATE vm SET sum = row_sum(row, body);
    UPDATE operation SET sum = row_sum(row, body);
    UPDATE request SET entries_sum = kept_sum(first, last, entries), replies_sum = kept_sum(first, last, replies);
    UPDATE checkpoint SET sum = checkpoint_sum(sequence, incarnation, at_ms, hash, signature);
    UPDATE meta SET sum = meta_sum(key, value);
  `);
  const stamp = emptyStamp();
  for (const table of entityTables) {
    for (const sum of db.prepare<[], number>(`SELECT sum FROM ${table}`).pluck().iterate())
      restamp(stamp[table], null, sum);
  }
  const value = JSON.stringify(stamp);
  db.prepare('INSERT INTO meta VALUES (?, ?, ?)').run(entitiesStamp, value, metaSum(entitiesStamp, value));
}
