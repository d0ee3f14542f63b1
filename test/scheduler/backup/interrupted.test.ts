import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { test } from 'tap';
import { checkStore } from '../../../scheduler/store/sqlite/check.js';
import { copyStore } from '../../../scheduler/store/sqlite/copy.js';
import { EntityTables } from '../../../scheduler/store/sqlite/entity-tables.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { program } from '../api/scheduler-process.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { batch, contentOf, put } from '../store/batches.js';
import { halfMade, longStore, Running, run } from './running.js';

test('a backup that is interrupted says so and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t);
  const [dataDir, file] = [join(folder, 'data'), join(folder, 'long.backup')];
  await longStore(dataDir, 40);
  const backup = new Running(['backup', file, '--data-dir', dataDir]);
  const ended = await backup.signalWhen(() => halfMade(file).length > 0, 'SIGINT');
  t.match(ended, {
    status: 130,
    stdout: '',
    stderr: 'secovia-scheduler: interrupted; everything is as it was before\n',
  });
  t.same(readdirSync(folder), ['data']);
});

test('a backup that is killed leaves the one before, and the next removes what is left of it', async (t) => {
  const folder = temporaryFolder(t);
  const [dataDir, file] = [join(folder, 'data'), join(folder, 'long.backup')];
  await longStore(dataDir, 40);
  writeFileSync(file, 'the one before');
  const words = ['backup', file, '--data-dir', dataDir, '--force'];
  const ended = await new Running(words).signalWhen(() => halfMade(file).length > 0, 'SIGKILL');
  t.equal(ended.signal, 'SIGKILL');
  t.equal(readFileSync(file, 'utf8'), 'the one before');
  t.equal(halfMade(file).length, 1);
  const strangers = [`${file}.1.new`, `${file}.note.new`];
  for (const stranger of strangers) writeFileSync(stranger, '');
  t.match(await run(words), { status: 0, stderr: '' });
  t.equal(halfMade(file).length, 2, 'what is of a living process, or of somebody else, stays');
  t.match(runProgram(['verify', file]), { status: 0, stdout: /is whole/ });
});

test('a full disk is told with what is needed, and nothing is left on it', {
  skip: noMounts(),
}, async (t) => {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  await longStore(dataDir, 8);
  mkdirSync(join(folder, 'tiny'));
  const script =
    'mount -t tmpfs -o size=4m tmpfs "$1" && "$0" "$2" backup "$1/x" --data-dir "$3"; echo $?; ls -A "$1"';
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['-m', 'sh', '-c', script, process.execPath, join(folder, 'tiny'), program, dataDir],
    { encoding: 'utf8' },
  );
  t.equal(stdout, '1\n', 'it is refused, and the folder is empty');
  t.match(stderr, /cannot write the backup .*: the disk is full; about \d+ MiB are needed there\n$/);
});

/** A small file system of one's own needs a privilege that not everybody who runs the tests has. */
function noMounts(): string | false {
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'mounting is not allowed here';
}

test('while the journal is copied the log is folded into the file as ever', async (t) => {
  const folder = temporaryFolder(t);
  const from = join(folder, 'secovia.db');
  await longStore(folder, 20);
  const to = join(folder, 'copy');
  const descriptor = openSync(to, 'wx', 0o600);
  t.teardown(() => closeSync(descriptor));
  const store = new SqliteStore(from);
  await contentOf(store);
  const other = new Database(from);
  const steps = copyStore({ from, to, descriptor, files: () => new Map(), atMs: 0, version: '0' });
  steps.next();
  await store.commit(batch(21, { puts: [put('vm', 'vm-21', 21)] }));
  const folded = other.pragma('wal_checkpoint(TRUNCATE)');
  t.same(folded, [{ busy: 0, log: 0, checkpointed: 0 }], 'nobody reads what is in the log');
  let last = 21;
  while (!steps.next().done) await store.commit(batch(++last));
  t.ok(last < 60, `a writer that always has more is not waited for: ${last}`);
  other.close();
  await store.close();
  const copy = new Database(to, { readonly: true });
  const copied = copy.prepare<[], number>('SELECT max(last) FROM journal').pluck().get() as number;
  t.ok(copied > 21 && copied <= last, 'it has what came meanwhile');
  copy.close();
});

test('what changes while it is copied is in the copy as of one moment', async (t) => {
  const folder = temporaryFolder(t);
  const from = join(folder, 'secovia.db');
  await longStore(folder, 1);
  const db = new Database(from);
  const entities = new EntityTables(db);
  const write = (row: number, version: number) =>
    entities.put('vm', `vm-${row}`, row, Buffer.from(JSON.stringify({ row, version })));
  for (let row = 1; row <= 25_000; row += 1) write(row, 0);
  entities.save(1);
  const to = join(folder, 'copy');
  const descriptor = openSync(to, 'wx', 0o600);
  t.teardown(() => closeSync(descriptor));
  const steps = copyStore({ from, to, descriptor, files: () => new Map(), atMs: 0, version: '0' });
  for (let version = 1; !steps.next().done; version += 1) {
    // Changed, gone and new: among those that are copied, and those that are not yet.
    for (const row of [1, 12_000, 24_000]) write(row, version);
    for (const row of [version * 3, 25_000 - version * 3]) entities.remove({ kind: 'vm', key: '', row });
    write(30_000 + version, version);
    entities.save(1);
  }
  db.close();
  const check = checkStore(to);
  let step = check.next();
  while (!step.done) step = check.next();
  t.same(step.value.findings, [], 'each row is whole, and all of them are those that were saved together');
  const copy = new Database(to, { readonly: true });
  const versions = copy
    .prepare<[], number>("SELECT body ->> 'version' FROM vm WHERE row IN (1, 12000, 24000)")
    .pluck();
  const [one, two, three] = versions.all();
  t.ok(one && one === two && two === three, `version ${one}`);
  copy.close();
});
