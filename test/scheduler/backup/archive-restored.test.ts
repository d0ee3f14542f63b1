/** Backups are of the store; files of the archive are kept beside them, and need not all be there. */
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import tap, { type Test, test } from 'tap';
import { toTheEnd } from '../../../scheduler/backup/drive.js';
import { checkArchive } from '../../../scheduler/store/sqlite/archive/archive-check.js';
import { copyStore } from '../../../scheduler/store/sqlite/copy.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { EngineWorld } from '../engine-world.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { archived, copyOf, exported, januaryMs, longRecord, settled, storeOf } from './archived.js';

const { dataDir } = await longRecord(tap);
const decemberMs = Date.UTC(2023, 11, 1);
const november = JSON.stringify(settled(dataDir, '2023-11'));

const backup = (folder: string, file: string) => runProgram(['backup', file, '--data-dir', folder]);
const restore = (file: string, folder: string) => runProgram(['restore', file, '--data-dir', folder]);

/** A folder in which nothing is but copies of an archive. */
function withArchive(t: Test, of: string): string {
  const folder = join(temporaryFolder(t), 'restored');
  mkdirSync(folder);
  cpSync(join(of, 'archive'), join(folder, 'archive'), { recursive: true });
  return folder;
}

async function goOn(folder: string, rows: number): Promise<void> {
  const store = new SqliteStore(storeOf(folder));
  try {
    const world = await EngineWorld.on(store);
    for (let row = 0; row < rows; row += 1) {
      world.nowMs += 1000;
      world.run({ type: 'host.cordon', id: 'zagreb-1', cordoned: row % 2 === 0 });
      await world.engine.readable();
    }
  } finally {
    await store.close();
  }
}

test('a backup says what is not in it; restored beside the archive everything can be read', async (t) => {
  const folder = copyOf(t, dataDir);
  await archived(folder, decemberMs);
  const file = join(temporaryFolder(t), 'b');
  t.match(backup(folder, file), {
    status: 0,
    stdout:
      /\nDecisions 1 to \d+ are not in it but in 1 file of the data folder's archive: keep copies of these/,
  });
  const restored = withArchive(t, folder);
  const { status, stdout, stderr } = restore(file, restored);
  t.equal(status, 0, stderr);
  t.notMatch(stdout, /archive/);
  t.equal(JSON.stringify(settled(restored, '2023-11')), november);
  t.match(runProgram(['verify', restored]), { status: 0, stdout: /1 file of its archive is whole/ });
});

test('restored without the archive all else works, and it is said which file is not there', async (t) => {
  const folder = copyOf(t, dataDir);
  await archived(folder, decemberMs);
  const file = join(temporaryFolder(t), 'b');
  backup(folder, file);
  const restored = join(temporaryFolder(t), 'restored');
  const [name = ''] = readdirSync(join(folder, 'archive'));
  t.match(restore(file, restored), {
    status: 0,
    stdout: new RegExp(
      `Of its archive a file is not there: ${name}\\. Put copies into .*/restored/archive to have`,
    ),
  });
  t.equal(settled(restored, '2023-11'), 'JOURNAL_ARCHIVED');
  t.equal(JSON.stringify(settled(restored, '2023-12')), JSON.stringify(settled(dataDir, '2023-12')));
  await goOn(restored, 5);
  cpSync(join(folder, 'archive'), join(restored, 'archive'), { recursive: true });
  t.equal(JSON.stringify(settled(restored, '2023-11')), november, 'when the file is put there it is read');
});

test('a backup from before the archiving has its own rows, and the files that overlap are ignored', async (t) => {
  const folder = copyOf(t, dataDir);
  await archived(folder, decemberMs);
  const file = join(temporaryFolder(t), 'b');
  backup(folder, file);
  await archived(folder, januaryMs);
  const restored = withArchive(t, folder);
  t.equal(restore(file, restored).status, 0);
  const [one = '', other = ''] = readdirSync(join(restored, 'archive')).sort();
  t.match(toTheEnd(checkArchive(storeOf(restored))), { whole: [one], strange: [other], findings: [] });
  const from = Number(one.slice(25, 41)) - 9;
  t.equal(exported(restored, null, from, 900).toString(), exported(dataDir, null, from, 900).toString());
  // All its rows are still in the store, so it is replaced by one that has the same.
  await archived(restored, januaryMs);
  const now = toTheEnd(checkArchive(storeOf(restored)));
  t.match(now, { missing: [], strange: [], findings: [] });
  t.same(now.whole, readdirSync(join(restored, 'archive')).sort());
  t.equal(now.whole.length, 2);
  t.equal(exported(restored, null, 1, 900).toString(), exported(dataDir, null, 1, 900).toString());
});

test('files of a branch of the history that was given up are not taken for this one, nor overwritten', async (t) => {
  const folder = copyOf(t, dataDir);
  const file = join(temporaryFolder(t), 'b');
  backup(folder, file);
  // One goes on and archives what the other never had; and the other goes on otherwise, to the same number of decisions.
  await goOn(folder, 1200);
  const gone = await archived(folder, Date.UTC(2030, 0, 1));
  const restored = withArchive(t, folder);
  t.equal(restore(file, restored).status, 0);
  await goOn(restored, 1198);
  t.match(toTheEnd(checkArchive(storeOf(restored))), {
    whole: [],
    strange: [gone.moved?.file.split('/').at(-1)],
  });
  await t.rejects(archived(restored, Date.UTC(2030, 0, 1)), {
    name: 'BackupError',
    message:
      /is there already, and does not have the decisions of this store: it is of another history; move it away/,
  });
  t.same(toTheEnd(checkArchive(storeOf(restored))).findings, []);
  rmSync(join(restored, 'archive'), { recursive: true });
  const made = await archived(restored, Date.UTC(2030, 0, 1));
  t.equal(
    made.moved?.file.split('/').at(-1),
    gone.moved?.file.split('/').at(-1),
    'the same decisions by number',
  );
  t.match(runProgram(['verify', restored]), { status: 0, stdout: /1 file of its archive is whole/ });
});

test('a backup that is being made while decisions are archived is refused, and made again', async (t) => {
  const folder = copyOf(t, dataDir);
  const to = join(temporaryFolder(t), 'copy');
  const descriptor = openSync(to, 'wx', 0o600);
  t.teardown(() => closeSync(descriptor));
  const steps = copyStore({
    from: storeOf(folder),
    to,
    descriptor,
    files: () => new Map(),
    atMs: 0,
    version: '0',
  });
  steps.next();
  await archived(folder, decemberMs);
  t.throws(() => toTheEnd(steps), {
    name: 'StoreError',
    message: /was archived from meanwhile; say it again/,
  });
});
