import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import tap, { type Test, test } from 'tap';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { runProgram } from '../run-program.js';
import { contentOf } from '../store/batches.js';
import { archived, copyOf, januaryMs, longRecord, storeOf } from './archived.js';

const { dataDir } = await longRecord(tap);
const twice = copyOf(tap, dataDir);
await archived(twice, Date.UTC(2023, 11, 1));
await archived(twice, januaryMs);
const names = readdirSync(join(twice, 'archive')).sort();
const [one = '', other = ''] = names;

function inTwo(t: Test) {
  const folder = copyOf(t, twice);
  return { folder, file: (name: string) => join(folder, 'archive', name) };
}

const verify = (folder: string, ...more: string[]) => runProgram(['verify', folder, ...more]);

function alter(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

function saltsOf(file: string, last: number): Buffer {
  const db = new Database(file, { readonly: true });
  const salts = db.prepare<[number], Buffer>('SELECT salts FROM journal WHERE last = ?').pluck().get(last);
  db.close();
  if (salts === undefined) throw new Error(`no row ends at ${last}`);
  return salts;
}

test('all files are read, and it is said which', async (t) => {
  const { folder } = inTwo(t);
  t.match(verify(folder), {
    status: 0,
    stdout: new RegExp(`2 files of its archive are whole \\(${one} to ${other}\\)\\.\n$`),
  });
  t.match(JSON.parse(verify(folder, '--output', 'json').stdout), {
    whole: true,
    archived: { files: 2 },
    archive: { whole: names, missing: [], strange: [], findings: [] },
  });
});

test('an altered byte is found, with its file and its row', async (t) => {
  const { folder, file } = inTwo(t);
  const bytes = readFileSync(file(other));
  // Earlier in the file there may be what SQLite has moved away from there.
  const at = bytes.lastIndexOf(saltsOf(file(other), 400));
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file(other), bytes);
  t.match(verify(folder), {
    status: 1,
    stdout: new RegExp(
      `${other} is damaged: the journal does not hold together at sequences 400 to 400 \\(table journal, row 400\\); put back a copy of it`,
    ),
  });
  t.match(JSON.parse(verify(folder, '--output', 'json').stdout), { whole: false });
});

for (const [what, sql, words] of [
  ['a gap', 'DELETE FROM journal WHERE last = 400', /does not hold together at sequences 401 to/],
  [
    'a missing end',
    'DELETE FROM journal WHERE last > 420',
    /its journal ends at 4\d\d, and was archived up to/,
  ],
  ['a checkpoint', "UPDATE checkpoint SET signature = x'00'", /the checkpoint at sequence \d+ is not as/],
  [
    'what accounting begins with',
    "UPDATE opening SET body = body || ' '",
    /part 1 of what accounting begins/,
  ],
  ['what it says of itself', 'UPDATE archived SET to_ms = to_ms + 1', /what it says of itself is not what/],
] as const) {
  test(`${what} that was altered in a file is found`, async (t) => {
    const { folder, file } = inTwo(t);
    alter(file(other), sql);
    const { status, stdout } = verify(folder);
    t.equal(status, 1);
    t.match(stdout, words);
    t.match(stdout, new RegExp(`${other} is damaged: `));
  });
}

for (const [what, sql, words] of [
  [
    'what the store knows of a file',
    'UPDATE archived SET to_ms = to_ms + 1',
    /archived decisions up to \d+ is not as/,
  ],
  [
    'a file that the store has forgotten',
    'DELETE FROM archived WHERE first = 1',
    /do not follow those before/,
  ],
  ['where the store begins', 'DELETE FROM archived WHERE first > 1', /the journal does not hold together at/],
  [
    'the first row that is left',
    'DELETE FROM journal WHERE last = (SELECT min(last) FROM journal)',
    /hold together/,
  ],
  [
    'the state of accounting',
    "UPDATE opening SET body = body || ' '",
    /part 1 of what accounting begins with/,
  ],
] as const) {
  test(`${what} is found by verify, and by a start where it goes by that`, async (t) => {
    const { folder } = inTwo(t);
    alter(storeOf(folder), sql);
    t.match(verify(folder), { status: 1, stdout: words });
    if (what === 'the state of accounting') return;
    const store = new SqliteStore(storeOf(folder));
    await t.rejects(contentOf(store), { name: 'StoreError', message: words });
    await store.close();
  });
}

test('a file that is not there is named, and is no damage', async (t) => {
  const { folder, file } = inTwo(t);
  rmSync(file(one));
  t.match(verify(folder), {
    status: 0,
    stdout: new RegExp(
      `1 file of its archive is whole \\(${other}\\).*\nNot there: ${one}\\. What was decided in it`,
    ),
  });
});

test('a file of another history is not taken for the one that is meant, and one that nobody knows is named', async (t) => {
  const { folder, file } = inTwo(t);
  const stranger = 'journal-0000000000000001-0000000000000099.sqlite';
  copyFileSync(file(one), file(stranger));
  t.match(verify(folder), {
    status: 0,
    stdout: new RegExp(`Of other histories, and not looked at: ${stranger}\\.`),
  });
  renameSync(file(other), file(one));
  t.match(verify(folder), {
    status: 1,
    stdout: /is damaged: it is of another history than the store; put back/,
  });
});

test('what is no database in the place of a file is found, and a file alone is no store', async (t) => {
  const { folder, file } = inTwo(t);
  t.match(verify(file(one)), {
    status: 1,
    stderr: /is a part of a journal: verify the data folder that it is of/,
  });
  writeFileSync(file(one), 'x'.repeat(9000));
  t.match(verify(folder), { status: 1, stdout: /is damaged: cannot read .*file is not a database/ });
});
