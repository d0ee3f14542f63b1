/**
 * What a store or a backup holds, in a few numbers. The entities follow the journal at a distance, so what the journal has
 * after them is counted too, without the whole state.
 */
import type Database from 'better-sqlite3';
import type { JournalLine } from '../../core/audit/line.js';
import type { Federation } from '../../core/model.js';
import { baseOf, segmentsIn } from './archive/segments.js';
import { savedSequence } from './entity-tables.js';
import { isBackup, schemaOf } from './schema.js';

export interface Summary {
  /** Empty before the first start. */
  federation: string;
  /** Of the last scheduler that led it. */
  epoch: { incarnation: number; counter: number };
  /** Of its last decision, and when that was. */
  sequence: number;
  lastMs: number;
  vms: number;
  hosts: number;
  schema: number;
  /** What of the journal is in files beside it: how many, and up to which decision; null when all of it is here. */
  archived: { files: number; last: number } | null;
  /** Of a backup: when and by which version it was made, and which files it has beside the store. */
  backup: { atMs: number; version: string; files: string[] } | null;
}

export function summaryOf(db: Database.Database): Summary {
  const number = (sql: string) => db.prepare<[], number | null>(sql).pluck().get() ?? 0;
  const newest = db
    .prepare<[], { last: number; at_ms: number }>(
      'SELECT last, at_ms FROM journal ORDER BY last DESC LIMIT 1',
    )
    .get();
  const summary: Summary = {
    ...federationOf(db),
    sequence: newest?.last ?? 0,
    lastMs: newest?.at_ms ?? 0,
    vms: number('SELECT count(*) FROM vm'),
    hosts: number("SELECT count(*) FROM entity WHERE kind = 'host'"),
    schema: schemaOf(db),
    archived: archivedIn(db),
    backup: isBackup(db) ? backupOf(db) : null,
  };
  countTail(db, summary);
  return summary;
}

function archivedIn(db: Database.Database): Summary['archived'] {
  const segments = segmentsIn(db);
  return segments.length === 0 ? null : { files: segments.length, last: baseOf(segments).last };
}

function federationOf(db: Database.Database): Pick<Summary, 'federation' | 'epoch'> {
  const body = db.prepare<[], string>("SELECT body FROM entity WHERE kind = 'federation'").pluck().get();
  if (body === undefined) return { federation: '', epoch: { incarnation: 0, counter: 0 } };
  const { name, epoch } = JSON.parse(body) as Federation;
  return { federation: name, epoch: numbersOf(epoch) };
}

function numbersOf({ incarnation, counter }: Summary['epoch']): Summary['epoch'] {
  return { incarnation, counter };
}

/** Adds what came after the entities were saved. */
function countTail(db: Database.Database, summary: Summary): void {
  const saved = db
    .prepare<[string], string>('SELECT value FROM meta WHERE key = ?')
    .pluck()
    .get(savedSequence);
  const isHost = db.prepare<[string], number>("SELECT 1 FROM entity WHERE kind = 'host' AND key = ?").pluck();
  const joined = new Set<string>();
  const bodies = db
    .prepare<[number], string>('SELECT body FROM journal WHERE last > ? ORDER BY last')
    .pluck();
  for (const body of bodies.iterate(Number(saved ?? 0))) {
    for (const line of body.split('\n')) {
      const [, changes] = JSON.parse(line) as JournalLine;
      for (const change of changes) {
        if (change.type === 'vm.created') summary.vms += 1;
        else if (change.type === 'vm.removed') summary.vms -= 1;
        else if (change.type === 'host.joined') joined.add(change.host.id);
        else if (change.type === 'federation.opened') {
          summary.federation = change.name;
          summary.epoch = numbersOf(change.epoch);
        }
      }
    }
  }
  for (const id of joined) if (isHost.get(id) === undefined) summary.hosts += 1;
}

function backupOf(db: Database.Database): Summary['backup'] {
  const about = db
    .prepare<[], { atMs: number; version: string }>('SELECT at_ms AS atMs, version FROM backup_about')
    .get();
  if (about === undefined) return null;
  const files = db.prepare<[], string>('SELECT path FROM backup_file ORDER BY path').pluck().all();
  return { ...about, files };
}
