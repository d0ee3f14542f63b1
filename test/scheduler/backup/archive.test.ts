import { chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import tap, { test } from 'tap';
import * as grpc from '@grpc/grpc-js';
import type { SettleMonthRequest } from '../../../proto/gen/secovia/v1/SettleMonthRequest.js';
import type { SettleMonthResponse__Output } from '../../../proto/gen/secovia/v1/SettleMonthResponse.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { metaSum } from '../../../scheduler/store/sqlite/sums.js';
import { Api, definitionOf, type Failure, failureOf } from '../api/client.js';
import { SchedulerProcess } from '../api/scheduler-process.js';
import { runProgram } from '../run-program.js';
import { contentOf } from '../store/batches.js';
import { within } from '../within.js';
import { copyOf, longRecord, storeOf } from './archived.js';

const { dataDir } = await longRecord(tap);
const archive = (folder: string, ...more: string[]) => runProgram(['archive', '--data-dir', folder, ...more]);

/** Rows of the journal, and where it begins and ends. */
function journalOf(folder: string) {
  const db = new Database(storeOf(folder), { readonly: true });
  const extent = db
    .prepare('SELECT count(*) AS rows, min(first) AS first, max(last) AS last FROM journal')
    .get();
  db.close();
  return extent as { rows: number; first: number; last: number };
}

test('a dry run says how much would go where, and changes nothing', async (t) => {
  const folder = copyOf(t, dataDir);
  const before = readFileSync(storeOf(folder));
  t.match(archive(folder, '--before', '2023-12-01', '--dry-run'), {
    status: 0,
    stderr: '',
    stdout:
      /^Decisions 1 to \d+ \(\d+ commits, the last of 2023-11-30T.*Z\) would go to .*\/data\/archive\/journal-0{15}1-\d{16}\.sqlite, about \d+ KiB\.\n$/,
  });
  const told = JSON.parse(archive(folder, '--before', '2023-12-01', '--dry-run', '--output', 'json').stdout);
  t.match(told, {
    dataDir: folder,
    done: false,
    room: null,
    moved: { first: 1, rows: Number, bytes: Number },
  });
  t.ok(before.equals(readFileSync(storeOf(folder))));
  t.notOk(existsSync(join(folder, 'archive')));
});

test('the oldest whole commits become a file, and the store begins after them', async (t) => {
  const folder = copyOf(t, dataDir);
  const before = journalOf(folder);
  const bytes = statSync(storeOf(folder)).size;
  const { status, stdout, stderr } = archive(folder, '--before', '2023-12-01', '--output', 'json');
  t.equal(status, 0, stderr);
  const { moved, done } = JSON.parse(stdout);
  t.ok(done);
  const after = journalOf(folder);
  t.equal(after.first, moved.last + 1);
  t.equal(after.last, before.last);
  t.equal(after.rows + moved.rows, before.rows);
  t.same(readdirSync(join(folder, 'archive')), [moved.file.split('/').at(-1)]);
  t.equal(statSync(moved.file).mode & 0o777, 0o600);
  t.equal(statSync(moved.file).size, moved.bytes);
  t.ok(statSync(storeOf(folder)).size <= bytes);
  const names = readdirSync(folder).filter((name) => !/^secovia\.db/.test(name));
  t.same(names.sort(), ['archive', 'checkpoint.key'], 'nothing else is left');
  const db = new Database(storeOf(folder), { readonly: true });
  t.equal(db.pragma('user_version', { simple: true }), 5, 'which programs that cannot read archives refuse');
  db.close();
  t.match(runProgram(['verify', folder]), {
    status: 0,
    stdout: /is whole, and holds federation test .*\n1 file of its archive is whole \(journal-.*\)\.\n$/,
  });
});

test('said again there is nothing to do, and a later moment goes on where the last one ended', async (t) => {
  const folder = copyOf(t, dataDir);
  t.equal(archive(folder, '--before', '2023-12-01').status, 0);
  t.match(archive(folder, '--before', '2023-12-01'), { status: 0, stdout: /Nothing in .* can be archived/ });
  t.equal(archive(folder, '--before', '2023-12-05').status, 0);
  const [one = '', other = ''] = readdirSync(join(folder, 'archive')).sort();
  t.equal(Number(one.slice(25, 41)) + 1, Number(other.slice(8, 24)), `${one} ${other}`);
  t.match(runProgram(['verify', folder]), { status: 0, stdout: /2 files of its archive are whole/ });
});

test('the thousand newest commits, by which a start goes, stay whatever is asked for', async (t) => {
  const folder = copyOf(t, dataDir);
  const before = journalOf(folder);
  t.match(archive(folder, '--keep-days', '1'), {
    status: 0,
    stdout: /The store is .* smaller|are written to next/,
  });
  const { rows } = journalOf(folder);
  t.equal(rows, 1000);
  const [name = ''] = readdirSync(join(folder, 'archive'));
  const segment = new Database(join(folder, 'archive', name), { readonly: true });
  t.equal(segment.prepare('SELECT count(*) FROM journal').pluck().get(), before.rows - 1000);
  segment.close();
  const store = new SqliteStore(storeOf(folder));
  t.equal((await contentOf(store)).head.sequence, journalOf(folder).last);
  await store.close();
});

test('what the entities do not have yet stays', async (t) => {
  const folder = copyOf(t, dataDir);
  const db = new Database(storeOf(folder));
  db.function('sum_of', (value: string) => metaSum('entities_of_sequence', value));
  db.exec("UPDATE meta SET value = '50', sum = sum_of('50') WHERE key = 'entities_of_sequence'");
  db.close();
  t.match(archive(folder, '--before', '2023-12-01', '--dry-run'), { stdout: /^Decisions 1 to (4\d|50) / });
});

test('it is refused while a scheduler runs, where there is no store, and in other words than these', async (t) => {
  const folder = copyOf(t, dataDir);
  const store = new SqliteStore(storeOf(folder));
  t.match(archive(folder, '--before', '2023-12-01'), {
    status: 1,
    stderr: /another scheduler is running on/,
  });
  await store.close();
  t.match(archive(join(folder, 'none'), '--keep-days', '9'), {
    status: 1,
    stderr: /there is no federation in/,
  });
  for (const [words, why] of [
    [[], /say --before DATE or --keep-days NUMBER/],
    [['--before', '2023-12-01', '--keep-days', '3'], /cannot be used with/],
    [['--before', 'yesterday'], /must be like 2026-10-01/],
    [['--before', '2023-02-31T00:00'], /must be like/],
    [['--keep-days', '0'], /whole number from 1/],
  ] as const)
    t.match(archive(folder, ...words), { status: 2, stderr: why });
});

test('a store of an older schema is to be migrated first', async (t) => {
  const folder = copyOf(t, dataDir);
  const db = new Database(storeOf(folder));
  db.exec('DROP TABLE archived; DROP TABLE opening');
  db.pragma('user_version = 4');
  db.close();
  t.match(archive(folder, '--before', '2023-12-01'), { status: 1, stderr: /secovia-scheduler migrate/ });
});

test('a scheduler starts on what is left, answers as before, and names the file that it would need', async (t) => {
  const folder = copyOf(t, dataDir);
  t.equal(archive(folder, '--before', '2023-12-01').status, 0);
  const scheduler = await SchedulerProcess.start(t, { dataDir: folder });
  const api = new Api(scheduler.address);
  t.teardown(() => api.close());
  const { entries } = await api.call('ListAuditEntries', { filter: 'sequence = 5' });
  t.equal(entries.length, 1, 'it is in the archive');
  const november = await settle(api, '2023-11');
  t.ok('settlement' in november);
  await api.call('CreateAdministration', { administrationId: 'new', administration: { country: 'HR' } });
  const name = readdirSync(join(folder, 'archive'))[0] ?? '';
  rmSync(join(folder, 'archive', name));
  const refusal = {
    code: grpc.status.FAILED_PRECONDITION,
    reason: 'JOURNAL_ARCHIVED',
    message: new RegExp(
      `their file archive/${name} is not in the scheduler's data folder; put that file back`,
    ),
  };
  t.match(await settle(api, '2023-11'), refusal);
  t.match(await api.fails('ListAuditEntries', { filter: 'sequence = 5' }), refusal);
  t.match(await api.fails('ListEvents', { order: 'EVENT_ORDER_OLDEST_FIRST' }), refusal);
  t.match(await watch(api, 5), refusal);
  t.ok('settlement' in (await settle(api, '2023-12')));
  t.equal(await scheduler.stop(), 0);
});

/** The last message of a stream, or how it failed. */
async function last<Req extends object, Res>(
  api: Api,
  method: 'SettleMonth' | 'WatchEvents',
  request: Req,
): Promise<Res | Failure> {
  const { path, requestSerialize, responseDeserialize } = definitionOf(method);
  const stream = api.channel.makeServerStreamRequest(
    path,
    requestSerialize as (value: Req) => Buffer,
    responseDeserialize as (bytes: Buffer) => Res,
    request,
    new grpc.Metadata({ waitForReady: true }),
  );
  try {
    let newest: Res | undefined;
    for await (const part of stream) newest = part as Res;
    if (newest === undefined) throw new Error('there was no answer');
    return newest;
  } catch (error) {
    return failureOf(error as grpc.ServiceError);
  }
}

const settle = (api: Api, month: string) =>
  last<SettleMonthRequest, SettleMonthResponse__Output>(api, 'SettleMonth', { month });
/** A watch that goes on at an old decision, in the incarnation that the record ended in. */
const watch = (api: Api, sequence: number) =>
  within(20_000, 'the watch ends', last(api, 'WatchEvents', { resumeToken: `2.${sequence}.0` }));

test('what root archives is the scheduler’s own, which can read it', { skip: notRoot() }, async (t) => {
  const folder = copyOf(t, dataDir);
  const owner = 61_234;
  chownSync(storeOf(folder), owner, owner);
  t.match(archive(folder, '--before', '2023-12-01'), { status: 0 });
  const archived = join(folder, 'archive');
  for (const path of [archived, ...readdirSync(archived).map((name) => join(archived, name))])
    t.match(statSync(path), { uid: owner, gid: owner }, path);
});

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'only root gives files away';
}
