import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type Test, test } from 'tap';
import { checkStore } from '../../../scheduler/store/sqlite/check.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { batch, contentOf, put, request } from '../store/batches.js';

/** A store with something in every table, closed. */
async function written(t: Test): Promise<string> {
  const file = join(temporaryFolder(t), 'secovia.db');
  const store = new SqliteStore(file);
  await contentOf(store);
  await store.commit(
    batch(1, { puts: [put('site', 'zagreb'), put('site', 'skopje'), put('vm', 'gone', 7)] }),
  );
  const puts = [put('vm', 'vm-1', 1), put('vm', 'vm-2', 2), put('operation', 'op-3', 3)];
  const deletes = [{ kind: 'vm', key: 'gone', row: 7 } as const];
  const head = await store.commit(batch(2, { puts, deletes, requests: [request(1), request(2)] }));
  store.keepCheckpoint({ ...head, incarnation: 1, signature: Buffer.from('signature'), atMs: 5 });
  // An answer may be empty.
  const empty = [request(3, { reply: Buffer.alloc(0) })];
  await store.commit(batch(3, { forgetRequestsBefore: 1, requests: empty }));
  await store.close();
  return file;
}

function findings(file: string): string[] {
  const steps = checkStore(file);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value.findings;
  }
}

/** Flips one bit of what stands after these bytes in the file. */
function flip(file: string, after: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(after);
  if (at === -1) throw new Error(`there is no ${after}`);
  const flipped = at + after.length;
  bytes[flipped] = (bytes[flipped] as number) ^ 1;
  writeFileSync(file, bytes);
}

async function startOn(file: string): Promise<void> {
  const store = new SqliteStore(file);
  try {
    await contentOf(store);
  } finally {
    await store.close();
  }
}

test('a store that is whole is found whole, with what it holds', async (t) => {
  const file = await written(t);
  t.same(findings(file), []);
  t.match(runProgram(['verify', file]), {
    status: 0,
    stderr: '',
    stdout: /is whole, and holds .* 2 VMs, 0 hosts/,
  });
  t.match(JSON.parse(runProgram(['verify', dirname(file), '--output', 'json']).stdout), {
    file,
    whole: true,
    sequence: 3,
    vms: 2,
    schema: 5,
    backup: null,
  });
});

for (const [what, after, words] of [
  [
    'an entity',
    '{"id":"zag',
    /the site "zagreb" is not as it was written \(table entity, its checksum differs\)/,
  ],
  ['the key of an entity', 'sitezagr', /the site "zagrdb" is not as it was written/],
  ['a VM', '{"id":"vm-', /the vm in row [12] is not as it was written \(table vm, its checksum differs\)/],
  ['an operation', '{"id":"op-', /the operation in row 3 is not as it was written/],
  ['what a kept answer was to', '"anonym', /the kept answers (1 to 2|3 to 3) are not as they were written/],
  ['the stamp', 'entities_stamp{"entity":[', /the value "entities_stamp" is not as it was written/],
  ['the mark of kept answers', 'requests_forgotten_before', /the value "requests_forgotten_before" is not/],
  [
    'the journal',
    '[1002,',
    /the journal does not hold together at sequences 2 to 2 \(table journal, row 2\)/,
  ],
] as const) {
  test(`a flipped bit of ${what} is found by a start and by verify, and said exactly`, async (t) => {
    const file = await written(t);
    flip(file, after);
    await t.rejects(startOn(file), { name: 'StoreError', message: words });
    t.match(findings(file), [words]);
  });
}

test('damage is told with what to do', async (t) => {
  const file = await written(t);
  flip(file, '{"id":"zag');
  const folder = dirname(file);
  const remedy = `move ${folder} away and restore a backup: secovia-scheduler restore FILE --data-dir ${folder}`;
  const what = 'the site "zagreb" is not as it was written (table entity, its checksum differs)';
  await t.rejects(startOn(file), { message: `${file} is damaged: ${what}; ${remedy}` });
  const { status, stdout } = runProgram(['verify', folder]);
  t.equal(status, 1);
  t.equal(stdout, `${file} is damaged:\n  ${what}\nWhat to do: ${remedy}\n`);
  const told = runProgram(['verify', folder, '--output', 'json']);
  t.equal(told.status, 1);
  t.same(JSON.parse(told.stdout), { file, whole: false, findings: [what], remedy });
});

for (const [what, sql, words] of [
  ['a row that is gone', 'DELETE FROM vm WHERE row = 2', /table vm has 1 rows, and 2 were saved in it/],
  ['a row in the place of another', 'UPDATE vm SET row = 9 WHERE row = 1', /the vm in row 9 is not as/],
  ['a lost checksum', "UPDATE entity SET sum = NULL WHERE key = 'skopje'", /the site "skopje" is not as/],
  [
    'a journal that is cut',
    'DELETE FROM journal WHERE last = 3',
    /are of sequence 3, and the journal ends at 2/,
  ],
] as const) {
  test(`${what} is found by a start and by verify`, async (t) => {
    const file = await written(t);
    alter(file, sql);
    await t.rejects(startOn(file), { name: 'StoreError', message: words });
    t.match(findings(file)[0], words);
  });
}

test('a row of another time is found, though it is whole in itself', async (t) => {
  const file = await written(t);
  const older = join(temporaryFolder(t), 'older.db');
  copyFileSync(file, older);
  const store = new SqliteStore(file);
  await contentOf(store);
  await store.commit(batch(4, { puts: [put('vm', 'vm-1', 1, { newer: true })] }));
  await store.close();
  const db = new Database(file);
  db.prepare('ATTACH ? AS older').run(older);
  db.exec('REPLACE INTO vm SELECT * FROM older.vm WHERE row = 1');
  db.close();
  await t.rejects(startOn(file), { message: /rows of table vm are of another time than the others/ });
});

test('kept answers and checkpoints are checked by verify, and an answer when it is given again', async (t) => {
  const file = await written(t);
  alter(
    file,
    "UPDATE request SET replies = x'0100fe0200ff' WHERE first = 1; UPDATE checkpoint SET signature = x'00'",
  );
  t.match(findings(file), [/the kept answers 1 to 2 are not/, /the checkpoint at sequence 2 is not/]);
  const store = new SqliteStore(file);
  await contentOf(store);
  t.same(store.reply(3), Buffer.alloc(0));
  t.throws(() => store.reply(1), { name: 'StoreError', message: /is damaged: the kept answers/ });
  await store.close();
});

test('of a start only the end of a long journal is hashed again; verify finds the rest', async (t) => {
  const file = join(temporaryFolder(t), 'secovia.db');
  const store = new SqliteStore(file);
  await contentOf(store);
  for (let sequence = 1; sequence <= 1010; sequence += 1)
    await store.commit(batch(sequence, { puts: [put('site', 'newest')] }));
  await store.close();
  alter(file, "UPDATE journal SET body = replace(body, '1003', '1004') WHERE last = 3");
  await startOn(file);
  t.match(findings(file), [/at sequences 3 to 3/]);
});

test('what is no store, or not there, is said in one sentence', async (t) => {
  const folder = temporaryFolder(t);
  const foreign = join(folder, 'foreign');
  new Database(foreign).exec('CREATE TABLE x (y)').close();
  for (const [path, words] of [
    [join(folder, 'none'), /there is no .*none\n$/],
    [folder, /there is no .*secovia.db\n$/],
    [foreign, /is neither a backup nor the store of a scheduler\n$/],
  ] as const) {
    const { status, stderr } = runProgram(['verify', path]);
    t.equal(status, 1);
    t.match(stderr, words);
  }
});

function alter(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}
