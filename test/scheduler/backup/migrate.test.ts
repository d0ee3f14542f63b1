import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Test, test } from 'tap';
import { chainHash, chainStart } from '../../../scheduler/store/sqlite/chain.js';
import { migrations } from '../../../scheduler/store/sqlite/migrations.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { Api } from '../api/client.js';
import { Federation } from '../api/federation.js';
import { SchedulerProcess } from '../api/scheduler-process.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { batch, contentOf, put } from '../store/batches.js';

/** What a scheduler of the third schema has left: one site, in a journal with commitments to nothing yet. */
function third(t: Test): string {
  const dataDir = join(temporaryFolder(t), 'data');
  mkdirSync(dataDir);
  const db = new Database(join(dataDir, 'secovia.db'));
  for (const step of migrations.slice(0, 3)) db.exec(step as string);
  db.pragma('user_version = 3');
  const site = { id: 'zagreb', title: '', partner: 'p', country: 'HR', jurisdictions: [], cordoned: false };
  const change = { type: 'site.created', site: { ...site, vcpuOvercommitPercent: 100, createdMs: 1000 } };
  const body = JSON.stringify([1000, [change]]);
  db.prepare('INSERT INTO journal (first, last, at_ms, body, hash) VALUES (1, 1, 1000, ?, ?)').run(
    body,
    chainHash(chainStart, 1, 1, body),
  );
  db.prepare("INSERT INTO entity VALUES ('site', 'zagreb', ?)").run(JSON.stringify(change.site));
  db.exec("UPDATE meta SET value = '1' WHERE key = 'entities_of_sequence'");
  db.close();
  return dataDir;
}

const kept = 'before-schema-5.backup';

function schemaIn(dataDir: string): number {
  const db = new Database(join(dataDir, 'secovia.db'), { readonly: true });
  try {
    return db.pragma('user_version', { simple: true }) as number;
  } finally {
    db.close();
  }
}

test('a start migrates by itself, says so, and keeps a backup from before', async (t) => {
  const dataDir = third(t);
  const scheduler = await SchedulerProcess.start(t, { dataDir });
  t.match(await scheduler.logged('the store was migrated; only its backup leads back'), {
    from: 3,
    to: 5,
    backup: join(dataDir, kept),
  });
  const api = new Api(scheduler.address);
  t.teardown(() => api.close());
  t.match(await api.call('GetSite', { name: 'sites/zagreb' }), { site: { country: 'HR' } });
  t.equal(await scheduler.stop(), 0);
  t.equal(statSync(join(dataDir, kept)).mode & 0o777, 0o600);
  t.match(runProgram(['verify', join(dataDir, kept)]), {
    status: 0,
    stdout: /is whole, and holds .* as of decision 1 .* Rows of this version have no checksums.\n$/,
  });
  t.match(runProgram(['verify', dataDir]), { status: 0, stdout: /is whole, and holds federation secovia / });
  const restored = join(temporaryFolder(t), 'restored');
  t.match(runProgram(['restore', join(dataDir, kept), '--data-dir', restored]), { status: 0, stderr: '' });
  t.equal(schemaIn(restored), 5, 'a backup of an older version is migrated when it is restored');
  t.notOk(existsSync(join(restored, kept)), 'the backup is the backup');
});

test('migrate does the same ahead of a start, and says beforehand what it would do', async (t) => {
  const dataDir = third(t);
  const migrate = (...more: string[]) => runProgram(['migrate', '--data-dir', dataDir, ...more]);
  t.match(migrate('--dry-run'), { status: 0, stdout: /has schema 3, and would be brought to 5\.\n$/ });
  t.equal(schemaIn(dataDir), 3);
  t.same(readdirSync(dataDir), ['secovia.db']);
  const done = migrate('--output', 'json');
  t.same(JSON.parse(done.stdout), { dataDir, from: 3, to: 5, done: true, backup: join(dataDir, kept) });
  t.equal(schemaIn(dataDir), 5);
  t.match(migrate(), { status: 0, stdout: /has schema 5, which is the newest; there is nothing to do\.\n$/ });
  t.match(runProgram(['migrate', '--data-dir', join(dataDir, 'none')]), {
    status: 1,
    stderr: /there is no federation in/,
  });
});

test('a migration without room for its backup is refused, and can be done without', async (t) => {
  const dataDir = third(t);
  mkdirSync(join(dataDir, kept));
  const refused = runProgram(['migrate', '--data-dir', dataDir]);
  t.match(refused, {
    status: 1,
    stderr:
      /has to be migrated, and before that no backup could be made: .*; make one elsewhere .* migrate --no-backup\n$/,
  });
  t.equal(schemaIn(dataDir), 3);
  const done = runProgram(['migrate', '--data-dir', dataDir, '--no-backup']);
  t.match(done, { status: 0, stdout: /was brought from schema 3 to 5\.\n$/ });
});

test('a migration that fails leaves the store as it was', async (t) => {
  const dataDir = third(t);
  const file = join(dataDir, 'secovia.db');
  const db = new Database(file);
  // The fourth step adds a column of this name, after others.
  db.exec('ALTER TABLE checkpoint ADD COLUMN sum INTEGER');
  db.close();
  t.throws(() => new SqliteStore(file), { name: 'StoreError', message: /duplicate column name: sum/ });
  t.equal(schemaIn(dataDir), 3);
  const after = new Database(file);
  const columns = after.prepare("SELECT count(*) FROM pragma_table_info('vm') WHERE name = 'sum'").pluck();
  t.equal(columns.get(), 0, 'the steps before it are taken back');
  after.close();
});

test('rows of before have checksums afterwards, and the store goes on', async (t) => {
  const file = join(third(t), 'secovia.db');
  const store = new SqliteStore(file);
  await contentOf(store);
  await store.commit(
    batch(2, { puts: [put('vm', 'first', 2)], deletes: [{ kind: 'site', key: 'zagreb', row: 0 }] }),
  );
  await store.close();
  const again = new SqliteStore(file);
  const { entities } = await contentOf(again);
  t.same(
    entities.map(([kind]) => kind),
    ['vm'],
  );
  await again.close();
});

test('a store of a newer version is refused by every command, and left as it is', async (t) => {
  const dataDir = third(t);
  const db = new Database(join(dataDir, 'secovia.db'));
  db.pragma('user_version = 99');
  db.close();
  const words =
    /was written by a newer Secovia \(schema 99, this program knows 5\), and there is no way back; install that version again, or restore a backup from before the upgrade into another folder\n$/;
  for (const command of [
    ['run', '--insecure', '--listen', '127.0.0.1:1', '--data-dir', dataDir],
    ['migrate', '--data-dir', dataDir],
    ['verify', dataDir],
    ['backup', join(dataDir, 'x'), '--data-dir', dataDir],
  ]) {
    const { status, stderr } = runProgram(command);
    t.equal(status, 1, command.join(' '));
    t.match(stderr, words);
  }
  t.equal(schemaIn(dataDir), 99);
});

test('a running scheduler is not migrated', async (t) => {
  const { scheduler } = await Federation.start(t);
  const db = new Database(join(scheduler.dataDir, 'secovia.db'));
  db.pragma('user_version = 3');
  t.match(runProgram(['migrate', '--data-dir', scheduler.dataDir]), {
    status: 1,
    stderr: /another scheduler is running on .*; stop it first/,
  });
  db.pragma('user_version = 4');
  db.close();
});
