/** A person who has left is taken out of what was archived as well, and only where all of it can be looked at. */
import { chownSync, copyFileSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import tap, { test } from 'tap';
import { toTheEnd } from '../../../scheduler/backup/drive.js';
import { storeFileIn } from '../../../scheduler/data-folder.js';
import { eraseInCopies } from '../../../scheduler/store/sqlite/archive/segment-erase.js';
import { eraseIn } from '../../../scheduler/store/sqlite/erase.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { SecureScheduler } from '../api/secure-scheduler.js';
import { EngineWorld } from '../engine-world.js';
import { runProgram } from '../run-program.js';
import { archived, copyOf, exported, januaryMs, longRecord } from './archived.js';

const marko = 'spiffe://lab/operator/adria/marko';

/** Marko has made a site and left; a thousand commits later two archivings have parted what he did. */
async function federation(): Promise<string> {
  const secure = await SecureScheduler.start(tap);
  await secure.api.call('CreatePartner', { partnerId: 'adria', partner: { country: 'HR' } });
  const more = { partner: 'partners/adria', title: 'Marko of Split' };
  const operator = await secure.identity('marko', 'ROLE_PARTNER_OPERATOR', more);
  await operator.call('CreateSite', { siteId: 'of-marko', site: { partner: 'adria', country: 'HR' } });
  await secure.scheduler.stop();
  const { dataDir } = secure.scheduler;
  await rows(dataDir, 1010);
  await archived(dataDir, Date.UTC(2099, 0, 1));
  await secure.scheduler.start();
  await operator.call('CreateSite', { siteId: 'too', site: { partner: 'adria', country: 'HR' } });
  await secure.api.call('DeleteIdentity', { name: 'identities/marko' });
  await secure.scheduler.stop();
  await rows(dataDir, 1010);
  await archived(dataDir, Date.UTC(2099, 0, 1));
  return dataDir;
}

async function rows(dataDir: string, count: number): Promise<void> {
  const store = new SqliteStore(storeFileIn(dataDir));
  const world = await EngineWorld.on(store);
  for (let row = 0; row < count; row += 1) {
    world.run({ type: 'class.create', id: `c${world.state.sequence}`, title: '', level: 1 });
    await world.engine.readable();
  }
  await store.close();
}

const dataDir = await federation();
const erase = (folder: string, ...more: string[]) =>
  runProgram(['erase', marko, '--data-dir', folder, ...more]);
const filesWith = (folder: string, text: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile() && readFileSync(file).includes(text));

test('a person is erased from what was archived, and the chain is as it was', async (t) => {
  const folder = copyOf(t, dataDir);
  const files = readdirSync(join(folder, 'archive')).map((name) => join(folder, 'archive', name));
  t.ok(filesWith(join(folder, 'archive'), 'Marko of Split').length > 0);
  const before = files.map((file) => readFileSync(file));
  // What is erased is made anew, by whoever does it.
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot ? 61_234 : statSync(folder).uid;
  if (isRoot) for (const file of files) chownSync(file, owner, owner);
  const dry = JSON.parse(erase(folder, '--dry-run', '--output', 'json').stdout);
  t.ok(dry.decisions >= 4 && !dry.done);
  t.same(
    files.map((file) => readFileSync(file)),
    before,
    'a dry run alters nothing',
  );
  t.match(erase(folder), { status: 0, stdout: new RegExp(`was erased from ${dry.decisions} decisions`) });
  t.same(filesWith(folder, 'Marko of Split'), []);
  t.same(filesWith(join(folder, 'archive'), `${marko}"`), []);
  t.match(erase(folder), { status: 0, stdout: /there is nothing to do/ });
  t.match(runProgram(['verify', folder]), { status: 0, stdout: /2 files of its archive are whole/ });
  const hashes = (text: Buffer) => text.toString().match(/"row":.*?"hash":"[^"]*"/g);
  t.same(hashes(exported(folder)), hashes(exported(dataDir)));
  t.equal(readdirSync(join(folder, 'archive')).length, 2, 'nothing is left of the copies');
  for (const file of files) t.equal(statSync(file).uid, owner, 'they are whose they were');
});

test('a file that is not there is refused by its name, and nothing is erased', async (t) => {
  const folder = copyOf(t, dataDir);
  const [one = '', other = ''] = readdirSync(join(folder, 'archive')).sort();
  renameSync(join(folder, 'archive', other), join(folder, 'away'));
  const before = readFileSync(join(folder, 'archive', one));
  t.match(erase(folder), {
    status: 1,
    stderr: new RegExp(
      `may have it, and cannot be looked at: .*archive/${other} is not there, .* put it back`,
    ),
  });
  t.ok(before.equals(readFileSync(join(folder, 'archive', one))));
  renameSync(join(folder, 'away'), join(folder, 'archive', other));
  t.equal(erase(folder).status, 0);
});

test('what could not be looked at is said: files of other histories', async (t) => {
  const folder = copyOf(t, dataDir);
  const [one = ''] = readdirSync(join(folder, 'archive')).sort();
  const stranger = 'journal-0000000000000001-0000000000000099.sqlite';
  copyFileSync(join(folder, 'archive', one), join(folder, 'archive', stranger));
  t.match(erase(folder), {
    status: 0,
    stdout: new RegExp(`So may files of other histories .*: ${stranger}\\.\n$`),
  });
});

test('an erasure that was killed among the files is completed by the next', async (t) => {
  const folder = copyOf(t, dataDir);
  t.equal(erase(folder).status, 0);
  const [one = ''] = readdirSync(join(folder, 'archive')).sort();
  copyFileSync(join(dataDir, 'archive', one), join(folder, 'archive', one));
  copyFileSync(join(dataDir, 'archive', one), join(folder, 'archive', `${one}.new`));
  t.match(erase(folder), { status: 0, stdout: /was erased from \d+ decisions/ });
  t.same(filesWith(folder, 'Marko of Split'), []);
});

test('nothing is left of a line on the pages that SQLite has moved it from', async (t) => {
  const { dataDir: folder } = await longRecord(t);
  await archived(folder, januaryMs);
  const without = (line: string) => {
    const other = line.replaceAll('"zagreb-1","cordoned"', '"erased","cordoned"');
    return other === line ? null : other;
  };
  const erasing = { dryRun: false, traces: ['zagreb-1'], record: null, without, isIn: () => false };
  const copies = toTheEnd(eraseInCopies(storeFileIn(folder), erasing));
  t.equal(copies.files.length, 1);
  t.ok(toTheEnd(eraseIn(storeFileIn(folder), erasing)).lines > 500);
  for (const file of copies.files) renameSync(`${file}.new`, file);
  t.same(filesWith(folder, '"zagreb-1","cordoned"'), []);
});
