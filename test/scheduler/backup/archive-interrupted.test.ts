/** However an archiving ends, the store is as it was or as it was to be, and saying it again completes it. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import tap, { type Test, test } from 'tap';
import { archive } from '../../../scheduler/backup/archive.js';
import { toTheEnd } from '../../../scheduler/backup/drive.js';
import { checkArchive } from '../../../scheduler/store/sqlite/archive/archive-check.js';
import { checkStore } from '../../../scheduler/store/sqlite/check.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { program } from '../api/scheduler-process.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { batch, contentOf, put } from '../store/batches.js';
import { archived, copyOf, januaryMs, longRecord, settled, storeOf } from './archived.js';
import { Running } from './running.js';

const { dataDir } = await longRecord(tap);

/** A store of which so many megabytes are old, and a thousand commits of so many bytes are new. */
async function bulky(folder: string, megabytes: number, newBytes = 0): Promise<void> {
  const store = new SqliteStore(storeOf(folder));
  await contentOf(store);
  const filler = 'x'.repeat(2 ** 20);
  for (let sequence = 1; sequence <= megabytes + 1000; sequence += 1) {
    const text = sequence <= megabytes ? filler : 'y'.repeat(newBytes);
    const journal = [JSON.stringify([1000 + sequence, [], { text }])];
    await store.commit(batch(sequence, { journal, puts: [put('site', 'newest')] }));
  }
  await store.close();
}

const words = (folder: string) => ['archive', '--data-dir', folder, '--before', '2000-01-01'];
const inArchive = (folder: string) =>
  existsSync(join(folder, 'archive')) ? readdirSync(join(folder, 'archive')) : [];

/** Everything that is there is whole, and nothing is there that should not be. */
function checkWhole(t: Test, folder: string, what: string): void {
  t.same(toTheEnd(checkStore(storeOf(folder))).findings, [], what);
  t.match(toTheEnd(checkArchive(storeOf(folder))), { missing: [], findings: [] }, what);
}

test('at whatever moment it is killed, all is as before, and the next one completes it', async (t) => {
  const folder = copyOf(t, dataDir);
  const images: string[] = [];
  const kept = temporaryFolder(t);
  const snap = () => {
    const image = join(kept, `${images.length}`);
    cpSync(folder, image, { recursive: true });
    images.push(image);
  };
  await archive(folder, { beforeMs: januaryMs, dryRun: false }, async (steps) => {
    for (;;) {
      const step = steps.next();
      snap();
      if (step.done) return step.value;
    }
  });
  const [name = ''] = inArchive(folder);
  const november = JSON.stringify(settled(folder, '2023-11'));
  const states = new Set(images.map((image) => inArchive(image).join()));
  t.same([...states], ['', `${name}.new`, name], `${images.length} moments, among them all stages`);
  for (const [index, image] of images.entries()) {
    const moment = `moment ${index}`;
    checkWhole(t, image, moment);
    t.equal(JSON.stringify(settled(image, '2023-11')), november, moment);
    const again = await archived(image, januaryMs);
    t.ok(again.done, moment);
    t.same(inArchive(image), [name], moment);
    checkWhole(t, image, moment);
    t.equal(JSON.stringify(settled(image, '2023-11')), november, moment);
  }
});

test('what a killed one has left is replaced by a file that has more', async (t) => {
  const folder = copyOf(t, dataDir);
  await t.rejects(
    archive(folder, { beforeMs: Date.UTC(2023, 11, 1), dryRun: false }, async (steps) => {
      const made = toTheEnd(steps);
      // The file is there, and the store has its rows still.
      if (inArchive(folder).some((name) => name.endsWith('.sqlite'))) throw new Error('killed');
      return made;
    }),
    { message: 'killed' },
  );
  const [left] = inArchive(folder);
  await archived(folder, januaryMs);
  t.equal(inArchive(folder).length, 1);
  t.not(inArchive(folder)[0], left);
  checkWhole(t, folder, 'afterwards');
});

for (const [what, seen] of [
  ['while the file is written', (names: string[]) => names.some((name) => name.endsWith('.new'))],
  ['when the file has its name', (names: string[]) => names.some((name) => name.endsWith('.sqlite'))],
] as const) {
  test(`killed ${what} it leaves a store that starts, and the next one completes it`, async (t) => {
    const folder = temporaryFolder(t);
    await bulky(folder, 60);
    const { signal } = await new Running(words(folder)).signalWhen(() => seen(inArchive(folder)), 'SIGKILL');
    t.equal(signal, 'SIGKILL');
    t.match(runProgram(['verify', folder]), { status: 0, stdout: /is whole/ });
    const store = new SqliteStore(storeOf(folder));
    t.equal((await contentOf(store)).head.sequence, 1060);
    await store.close();
    t.match(runProgram(words(folder)), { status: 0, stderr: '' });
    t.same(inArchive(folder), ['journal-0000000000000001-0000000000000060.sqlite']);
    t.match(runProgram(['verify', folder]), { status: 0, stdout: /1 file of its archive is whole/ });
  });
}

test('one that is interrupted says so, and nothing is left of it', async (t) => {
  const folder = temporaryFolder(t);
  await bulky(folder, 60);
  const before = readFileSync(storeOf(folder));
  const ended = await new Running(words(folder)).signalWhen(() => inArchive(folder).length > 0, 'SIGTERM');
  t.match(ended, {
    status: 143,
    stdout: '',
    stderr: 'secovia-scheduler: interrupted; everything is as it was before\n',
  });
  t.notOk(existsSync(join(folder, 'archive')));
  t.ok(before.equals(readFileSync(storeOf(folder))));
});

test('room is given back', async (t) => {
  const folder = temporaryFolder(t);
  await bulky(folder, 20);
  t.match(runProgram(words(folder)), {
    status: 0,
    stdout:
      /commits, the last of .* are in .*, (19|20|21)\.\d MiB.*\nThe store is (19|20|21)\.\d MiB smaller\. Backups do not/,
  });
  t.ok(statSync(storeOf(folder)).size < 2 ** 20);
});

/** Archives on a file system of this size. */
function onTiny(folder: string, size: string) {
  mkdirSync(join(folder, 'tiny'));
  const script = `mount -t tmpfs -o size=${size} tmpfs "$1" && cp "$3/secovia.db" "$1" && "$0" "$2" archive --data-dir "$1" --before 2000-01-01; echo $?; ls -A "$1"; "$0" "$2" verify "$1"`;
  const tiny = join(folder, 'tiny');
  return spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath, tiny, program, folder], {
    encoding: 'utf8',
  });
}

test('a full disk is told with what is needed, and nothing has changed', { skip: noMounts() }, async (t) => {
  const folder = temporaryFolder(t);
  await bulky(folder, 20);
  const { stdout, stderr } = onTiny(folder, '32m');
  t.match(stdout, /^1\nsecovia\.db(\nsecovia\.db[.-]\w+)*\n.*is whole, and holds/);
  t.notMatch(stdout, /archive/);
  t.match(stderr, /cannot archive from .*: the disk is full; about 2\d MiB are needed there\n$/);
});

test('where there is no room to make the store smaller, it is archived all the same', {
  skip: noMounts(),
}, async (t) => {
  const folder = temporaryFolder(t);
  await bulky(folder, 20, 10_000);
  const { stdout, stderr } = onTiny(folder, '56m');
  t.equal(stderr, '');
  t.match(stdout, /In the store 2\d\.\d MiB are free, and are written to next\. Backups .*\n0\narchive\n/);
  t.match(stdout, /1 file of its archive is whole/);
});

/** A small file system of one's own needs a privilege that not everybody who runs the tests has. */
function noMounts(): string | false {
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'mounting is not allowed here';
}
