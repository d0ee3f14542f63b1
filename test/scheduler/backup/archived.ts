/** A record that is long enough to be archived, and everything that can be read of one. */
import { hash } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../../../scheduler/accounting/answer.js';
import { answerAudit } from '../../../scheduler/audit/answer.js';
import type { Question } from '../../../scheduler/core/accounting/questions.js';
import type { AuditQuestion, Place } from '../../../scheduler/core/audit/questions.js';
import { toTheEnd } from '../../../scheduler/backup/drive.js';
import { archive, type Archived } from '../../../scheduler/backup/archive.js';
import { checkpointKeyIn } from '../../../scheduler/fleet/checkpoints.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { SqliteJournal } from '../../../scheduler/store/sqlite/sqlite-journal.js';
import { JournalArchived } from '../../../scheduler/store/store.js';
import type { Checkpoint__Output } from '../../../proto/gen/secovia/v1/Checkpoint.js';
import { exportOf, Record } from '../audit/record.js';
import { agree } from '../core/tenancy/federation.js';
import { type Scope, temporaryFolder } from '../scope.js';

const hour = 3_600_000;
export const rowsOfRecord = 1600;
/** Its first decision is of 14 November 2023, and one comes every hour. */
export const months = ['2023-11', '2023-12', '2024-01'] as const;
export const januaryMs = Date.UTC(2024, 0, 1);

export interface LongRecord {
  dataDir: string;
  /** What agents were given, by how many rows there were. */
  shown: Map<number, Checkpoint__Output>;
}

/** Two partners, an agreement, and VMs that come, stop, grow and go. */
export async function longRecord(t: Scope): Promise<LongRecord> {
  const dataDir = temporaryFolder(t);
  const record = await Record.open(t, dataDir);
  const { world, checkpoints } = record;
  const shown = new Map<number, Checkpoint__Output>();
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  world.site('zagreb', 'HR', 'carnet');
  world.site('ljubljana', 'SI', 'arnes');
  world.administration('croatia', null, 'HR');
  world.administration('istria', 'croatia', 'HR');
  world.administration('slovenia', null, 'SI');
  world.image('tiny');
  for (const site of ['zagreb', 'ljubljana']) world.host(`${site}-1`, site);
  agree(world, {
    price: { currency: 'EUR', vcpuMicros: 12_345, memoryGibMicros: 77, diskGibMicros: 3, stoppedPercent: 33 },
  });
  await record.row();
  for (let row = 1; row < rowsOfRecord; row += 1) {
    world.nowMs += hour + row;
    const vm = [...world.state.vms.values()].at(0);
    const site = row % 2 === 0 ? 'zagreb' : 'ljubljana';
    const placement = { sites: [site], countries: [], excludedHosts: [] };
    const owner = ['croatia', 'istria', 'slovenia'][row % 3] as string;
    if (row % 40 === 7 || row % 40 === 8)
      world.try(world.createOf([world.newVm(`vm-${row}`, { placement })], owner));
    else if (vm !== undefined && row % 80 === 13 && row > 300) {
      world.try(world.deleteOf(vm));
      if (vm.host !== null) world.see(vm, 'absent');
    } else if (vm !== undefined && row % 40 === 20) world.try(world.stopOf(vm));
    else world.run({ type: 'host.cordon', id: 'zagreb-1', cordoned: row % 2 === 1 });
    if (row === 400) world.run({ type: 'federation.open', instance: 'second', name: 'test', incarnation: 2 });
    await record.row();
    if (row % 50 === 0) checkpoints.keep();
    if (row % 100 === 0) {
      const { incarnation, sequence, hash, signature } = checkpoints.sign(world.engine.head);
      shown.set(row, { incarnation, sequence, hash, signature } as Checkpoint__Output);
    }
  }
  await record.close();
  return { dataDir, shown };
}

/** A copy of a data folder, to be done with as one likes. */
export function copyOf(t: Scope, dataDir: string): string {
  const folder = join(temporaryFolder(t), 'data');
  cpSync(dataDir, folder, { recursive: true });
  return folder;
}

export const storeOf = (dataDir: string) => join(dataDir, 'secovia.db');

/** Archives in this process, and takes no notice of signals. */
export function archived(dataDir: string, beforeMs: number): Promise<Archived> {
  return archive(dataDir, { beforeMs, dryRun: false }, async (steps) => toTheEnd(steps));
}

const monthOf = (month: string) => {
  const fromMs = Date.parse(`${month}-01T00:00:00Z`);
  const end = new Date(fromMs);
  return { fromMs, toMs: end.setUTCMonth(end.getUTCMonth() + 1) };
};

const [upTo, nowMs] = [Number.MAX_SAFE_INTEGER, Date.UTC(2024, 5, 1)];

/** The pieces of an answer but progress, or the reason why there is none. */
function told(file: string, question: Question): unknown {
  const journal = new SqliteJournal(file);
  const head = new SqliteChain(file);
  try {
    const asked = { ...question, upTo: head.headWith(upTo).sequence };
    return [...answer(asked, journal)].filter((piece) => !('progress' in piece));
  } catch (error) {
    if (error instanceof JournalArchived) return error.refusal.reason;
    throw error;
  } finally {
    journal.close();
    head.close();
  }
}

export const settled = (dataDir: string, month: string) =>
  told(storeOf(dataDir), { kind: 'settlement', spans: [monthOf(month)], upTo, nowMs });

export const used = (dataDir: string, administration: string | null, fromMs: number) =>
  told(storeOf(dataDir), {
    kind: 'usage',
    administration,
    span: { fromMs, toMs: fromMs + 500 * hour },
    upTo,
    nowMs,
  });

type Paged = { entries: unknown[]; next: number | null } | { events: unknown[]; next: Place | null };

/** All pages of a listing; at the end the reason why it could not go on, if there is one. */
function pages(
  dataDir: string,
  begin: AuditQuestion,
  goOn: (next: number | Place) => AuditQuestion,
): unknown[] {
  const chain = new SqliteChain(storeOf(dataDir));
  const found: unknown[] = [];
  try {
    for (let question: AuditQuestion | null = begin; question !== null; ) {
      const [piece] = [...answerAudit(question, chain)] as Paged[];
      if (piece === undefined) break;
      found.push(...('entries' in piece ? piece.entries : piece.events));
      question = piece.next === null ? null : goOn(piece.next);
    }
  } catch (error) {
    if (!(error instanceof JournalArchived)) throw error;
    found.push(error.refusal.reason);
  } finally {
    chain.close();
  }
  return found;
}

const newest = rowsOfRecord * 2;
const everything = { kind: 'everything' } as const;

export function listed(dataDir: string, size = 300): unknown[] {
  const question = { kind: 'list', visibility: everything, to: 1, size, filter: '', vms: {} } as const;
  return pages(dataDir, { ...question, from: newest }, (from) => ({ ...question, from: from as number }));
}

export function eventsOf(dataDir: string, order: 'newest' | 'oldest', from?: Place): unknown[] {
  const first = { sequence: order === 'newest' ? newest : 1, position: order === 'newest' ? newest : 0 };
  const question = {
    kind: 'events',
    visibility: everything,
    of: everything,
    order,
    to: order === 'newest' ? 1 : newest,
    size: 100,
    filter: '',
  } as const;
  return pages(dataDir, { ...question, from: from ?? first }, (next) => ({
    ...question,
    from: next as Place,
  }));
}

/** What a checkpoint's signature is of. */
export function checkpointText(incarnation: number, head: { sequence: number; hash: Buffer }): Buffer {
  const digits = head.hash.toString('hex');
  return Buffer.from(`secovia-checkpoint-v1\n${incarnation}\n${head.sequence}\n${digits}\n`);
}

/** The bytes of an export. */
export function exported(dataDir: string, partner: string | null = null, first = 1, last = upTo): Buffer {
  const key = checkpointKeyIn(join(dataDir, 'checkpoint.key'));
  const signs = {
    fingerprint: hash('sha256', key.publicKey, 'hex'),
    sign: (head: { sequence: number; hash: Buffer }) => ({
      ...head,
      incarnation: 2,
      signature: key.sign(checkpointText(2, head)),
      atMs: 0,
    }),
    signText: (text: string) => key.sign(Buffer.from(text)),
  };
  return exportOf(storeOf(dataDir), signs, { partner, first, last });
}

/** Everything that is read of a record, as text. */
export function readings(dataDir: string): { [what: string]: string } {
  const found: { [what: string]: unknown } = {};
  for (const month of months) found[`the settlement of ${month}`] = settled(dataDir, month);
  for (const fromMs of [0, monthOf('2023-12').fromMs, januaryMs, januaryMs + 3 * hour]) {
    for (const of of [null, 'croatia', 'nobody']) {
      found[`the usage of ${of} from ${fromMs}`] = used(dataDir, of, fromMs);
    }
  }
  found['the list'] = listed(dataDir);
  for (const order of ['newest', 'oldest'] as const)
    found[`events, ${order} first`] = eventsOf(dataDir, order);
  for (const partner of [null, 'carnet', 'arnes']) {
    found[`the export for ${partner}`] = exported(dataDir, partner).toString();
    found[`an export for ${partner} of a part`] = exported(dataDir, partner, 250, 900).toString();
  }
  return Object.fromEntries(Object.entries(found).map(([what, answer]) => [what, JSON.stringify(answer)]));
}
