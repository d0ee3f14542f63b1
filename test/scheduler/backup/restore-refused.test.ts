import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import tap, { test } from 'tap';
import { fileSum } from '../../../scheduler/store/sqlite/sums.js';
import { init } from '../api/secure-scheduler.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { eventually } from '../within.js';
import { longStore, Running, run } from './running.js';

const folder = temporaryFolder(tap);
const [file, source] = [join(folder, 'lab.backup'), join(folder, 'source')];
init(source, join(folder, 'root'));
runProgram(['backup', file, '--data-dir', source]);

test('a folder that is not empty, and a file that is no backup, are refused', async (t) => {
  const taken = join(folder, 'taken');
  mkdirSync(taken);
  writeFileSync(join(taken, 'note'), 'mine');
  const junk = join(folder, 'junk');
  writeFileSync(junk, 'x'.repeat(10_000));
  const free = join(folder, 'free');
  for (const [backup, dataDir, words] of [
    [file, taken, /taken is not empty \(it has note\); move it away, or restore into another folder/],
    [file, source, /is not empty \(it has/],
    [file, junk, /junk is no folder/],
    [join(folder, 'none'), free, /there is no backup .*none/],
    [folder, free, /there is no backup/],
    [junk, free, /junk is damaged: file is not a database; restore another backup/],
    [join(source, 'secovia.db'), free, /is no backup but a scheduler's own file/],
  ] as const) {
    const { status: exit, stdout, stderr } = runProgram(['restore', backup, '--data-dir', dataDir]);
    t.same([exit, stdout, stderr.split('\n').length], [1, '', 2]);
    t.match(stderr, words);
  }
  t.same(readdirSync(taken), ['note']);
  t.notOk(existsSync(free));
});

test('a backup with a flipped byte is not restored, and an empty folder stays empty', async (t) => {
  const broken = join(folder, 'broken.backup');
  const bytes = readFileSync(file);
  const at = bytes.indexOf('"identity.set"');
  bytes[at + 3] = (bytes[at + 3] as number) ^ 1;
  writeFileSync(broken, bytes);
  const dataDir = join(folder, 'empty');
  mkdirSync(dataDir);
  t.match(runProgram(['restore', broken, '--data-dir', dataDir]), {
    status: 1,
    stderr:
      /broken.backup is damaged: the journal does not hold together at sequences .*; restore another backup/,
  });
  t.same(readdirSync(dataDir), []);
});

test('a backup cannot bring files that no scheduler has', async (t) => {
  const dataDir = join(folder, 'evil');
  const evil = join(folder, 'evil.backup');
  writeFileSync(evil, readFileSync(file));
  const db = new Database(evil);
  const content = Buffer.from('x');
  db.prepare('INSERT INTO backup_file VALUES (?, ?, ?)').run(
    '../outside',
    content,
    fileSum('../outside', content),
  );
  db.close();
  t.match(runProgram(['restore', evil, '--data-dir', dataDir]), {
    status: 1,
    stderr: /has a file that no scheduler has: \.\.\/outside/,
  });
  t.notOk(existsSync(dataDir));
  t.notOk(existsSync(join(folder, 'outside')));
});

test('after a restore that was killed nobody starts, and it can be said again', async (t) => {
  const long = await longBackup();
  const dataDir = join(folder, 'half');
  const begun = () => existsSync(join(dataDir, 'restoring'));
  const ended = await new Running(['restore', long, '--data-dir', dataDir]).signalWhen(begun, 'SIGKILL');
  t.equal(ended.signal, 'SIGKILL');
  t.match(runProgram(['run', '--insecure', '--listen', '127.0.0.1:1', '--data-dir', dataDir]), {
    status: 1,
    stderr: /a restore into .* was interrupted; say it again: secovia-scheduler restore FILE/,
  });
  t.match(runProgram(['restore', file, '--data-dir', dataDir]), { status: 0, stderr: '' });
  t.same(readdirSync(dataDir).sort(), ['authority', 'secovia.db', 'secovia.db.lock', 'server']);
});

test('while a restore hangs no other one, and no scheduler, has its folder', async (t) => {
  const long = await longBackup();
  const dataDir = join(folder, 'hangs');
  const first = new Running(['restore', long, '--data-dir', dataDir]);
  const begun = async () => existsSync(join(dataDir, 'restoring', 'secovia.db'));
  await eventually('it has begun', begun, Boolean);
  first.signal('SIGSTOP');
  t.match(runProgram(['restore', file, '--data-dir', dataDir]), {
    status: 1,
    stderr: /another restore into .*hangs is under way, or a scheduler runs there; end that one first/,
  });
  writeFileSync(join(dataDir, 'note'), 'of somebody');
  first.signal('SIGCONT');
  first.signal('SIGTERM');
  t.match(await first.ended, { status: 143 });
  t.same(readdirSync(dataDir), ['note'], 'and what somebody has put there stays');
});

test('a restore that is interrupted leaves no folder', async (t) => {
  const long = await longBackup();
  const dataDir = join(folder, 'interrupted');
  const begun = () => existsSync(join(dataDir, 'restoring'));
  t.match(await new Running(['restore', long, '--data-dir', dataDir]).signalWhen(begun, 'SIGTERM'), {
    status: 143,
    stdout: '',
    stderr: 'secovia-scheduler: interrupted; everything is as it was before\n',
  });
  t.notOk(existsSync(dataDir));
});

/** One that takes long enough to be met in the middle of its restore. */
async function longBackup(): Promise<string> {
  const backup = join(folder, 'long.backup');
  if (existsSync(backup)) return backup;
  const dataDir = join(folder, 'long');
  await longStore(dataDir, 30);
  const { stderr } = await run(['backup', backup, '--data-dir', dataDir]);
  if (stderr !== '') throw new Error(stderr);
  return backup;
}
