/** Reads the entities of a store, each against its checksum, and all of them against the stamp that was saved with them. */
import type Database from 'better-sqlite3';
import { type EntityKind, entityKinds } from '../../core/touched.js';
import { Meta } from './meta.js';
import {
  type EntitiesStamp,
  emptyStamp,
  entitiesStamp,
  entitySum,
  type EntityTable,
  entityTables,
  restamp,
  rowSum,
} from './sums.js';

/** Hands out each body; what is broken is told in words that go on after "is damaged:". */
export function readEntities(
  db: Database.Database,
  onEntity: (kind: EntityKind, body: string) => void,
  onBroken: (what: string) => void,
): void {
  const found = emptyStamp();
  const rows = db
    .prepare<[], [EntityKind, string, string, number | null]>('SELECT kind, key, body, sum FROM entity')
    .raw();
  for (const [kind, key, body, sum] of rows.iterate()) {
    restamp(found.entity, null, sum ?? 0);
    if (sum === entitySum(kind, key, body) && entityKinds.includes(kind)) onEntity(kind, body);
    else onBroken(`the ${kind} "${key}" is not as it was written (table entity, its checksum differs)`);
  }
  for (const table of ['vm', 'operation'] as const) {
    const bodies = db
      .prepare<[], [number, string, number | null]>(`SELECT row, body, sum FROM ${table} ORDER BY row`)
      .raw();
    let before = Number.NEGATIVE_INFINITY;
    for (const [row, body, sum] of bodies.iterate()) {
      restamp(found[table], null, sum ?? 0);
      // SQLite looks for rows where they belong.
      if (row <= before) onBroken(`row ${row} of table ${table} does not stand where it belongs`);
      else if (sum === rowSum(row, body)) onEntity(table, body);
      else
        onBroken(
          `the ${table} in row ${row} is not as it was written (table ${table}, its checksum differs)`,
        );
      before = row;
    }
  }
  const meta = new Meta(db);
  // Said elsewhere.
  if (!meta.isWhole(entitiesStamp)) return;
  const saved = meta.get(entitiesStamp);
  const stamp: EntitiesStamp = saved === undefined ? emptyStamp() : JSON.parse(saved);
  for (const table of entityTables) {
    const what = difference(table, stamp, found);
    if (what !== null) onBroken(what);
  }
}

function difference(table: EntityTable, saved: EntitiesStamp, found: EntitiesStamp): string | null {
  const [rows, sums] = saved[table];
  if (found[table][0] !== rows)
    return `table ${table} has ${found[table][0]} rows, and ${rows} were saved in it`;
  if (found[table][1] !== sums) return `rows of table ${table} are of another time than the others`;
  return null;
}
