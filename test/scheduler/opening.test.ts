/** Folders that a scheduler does not begin with: what they lack would be lost, or is not known here. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Test, test } from 'tap';
import { SqliteStore } from '../../scheduler/store/sqlite/sqlite-store.js';
import { init } from './api/secure-scheduler.js';
import { runProgram } from './run-program.js';
import { temporaryFolder } from './scope.js';
import { batch, contentOf } from './store/batches.js';

/** The folder of a federation that nobody runs. */
function founded(t: Test): { dataDir: string; file: string } {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  init(dataDir, join(folder, 'root'));
  return { dataDir, file: join(dataDir, 'secovia.db') };
}

const run = (dataDir: string) =>
  runProgram(['run', '--insecure', '--listen', '127.0.0.1:1', '--data-dir', dataDir]);

test('a folder that lacks its store, or has an empty one, does not become another federation', async (t) => {
  const { dataDir, file } = founded(t);
  const whole = readFileSync(file);
  const refused = (how: string) => {
    t.match(run(dataDir), {
      status: 1,
      stderr: new RegExp(
        `has authority/.*, and its store .*secovia.db ${how}: put it back with its -wal, or restore a backup; a new federation begins in an empty folder`,
      ),
    });
  };
  rmSync(file);
  refused('is missing');
  t.notOk(existsSync(file), 'and none is made');
  writeFileSync(file, '');
  refused('is empty');
  t.equal(statSync(file).size, 0);
  writeFileSync(file, whole.subarray(0, 8192));
  truncateSync(file, 0);
  refused('is empty');
  writeFileSync(file, whole);
  const store = new SqliteStore(file);
  t.ok((await contentOf(store)).head.sequence > 0, 'put back, it is as it was');
  await store.close();
});

test('what a newer program has decided is told from damage', async (t) => {
  const { dataDir, file } = founded(t);
  const store = new SqliteStore(file);
  const { head } = await contentOf(store);
  const sequence = head.sequence + 1;
  const change = { type: 'moon.landed', uid: 'apollo' };
  const epoch = JSON.parse(epochIn(file));
  await store.commit(batch(sequence, { journal: [JSON.stringify([1, [change]])], epoch }));
  await store.close();
  t.match(run(dataDir), {
    status: 1,
    stderr: new RegExp(
      `decision ${sequence} was written by a newer Secovia \\(there is no change moon.landed\\); install that version again, start it, and stop it with SIGTERM`,
    ),
  });
});

function epochIn(file: string): string {
  const db = new Database(file, { readonly: true });
  const epoch = db.prepare<[], string>("SELECT value FROM meta WHERE key = 'epoch'").pluck().get();
  db.close();
  return epoch ?? '';
}

test('the files of a store are for nobody else on the machine, in whatever folder', async (t) => {
  const { dataDir, file } = founded(t);
  const copy = join(temporaryFolder(t), 'secovia.db');
  chmodSync(join(copy, '..'), 0o755);
  copyFileSync(file, copy);
  chmodSync(copy, 0o644);
  const store = new SqliteStore(copy);
  await contentOf(store);
  const mode = (path: string) => statSync(path).mode & 0o777;
  for (const end of ['', '-wal', '-shm', '.lock']) t.equal(mode(`${copy}${end}`), 0o600, end);
  await store.close();
  t.ok(existsSync(dataDir));
});
