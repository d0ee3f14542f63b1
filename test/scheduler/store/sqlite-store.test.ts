import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Test, test } from 'tap';
import { chainHash, chainStart, rowHash } from '../../../scheduler/store/sqlite/chain.js';
import { migrations } from '../../../scheduler/store/sqlite/migrations.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { SqliteJournal } from '../../../scheduler/store/sqlite/sqlite-journal.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { batch, contentOf, firstEpoch, put, request } from './batches.js';
import { storeContract } from './contract.js';
import { temporaryFolder } from '../scope.js';
import { within } from '../within.js';

storeContract('in SQLite', (t) => {
  const file = join(temporaryFolder(t), 'data', 'secovia.db');
  return { open: () => new SqliteStore(file), openJournal: () => new SqliteJournal(file) };
});

const fileIn = (t: Test) => join(temporaryFolder(t), 'secovia.db');

/** A file with some batches in it, closed. */
async function written(file: string, batches = 5): Promise<void> {
  const store = new SqliteStore(file);
  await contentOf(store);
  for (let sequence = 1; sequence <= batches; sequence += 1) {
    await store.commit(batch(sequence, { puts: [put('site', `s${sequence}`)] }));
  }
  await store.close();
}

function alter(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

test('a second store on the same file is refused in one sentence, and may have it afterwards', async (t) => {
  const file = fileIn(t);
  const store = new SqliteStore(file);
  t.throws(() => new SqliteStore(file), {
    name: 'StoreError',
    message: /^another scheduler is running on .+$/,
  });
  const code = `
    const { SqliteStore } = await import(${JSON.stringify(moduleOf('sqlite-store.js'))});
    try { new SqliteStore(${JSON.stringify(file)}); console.log('opened'); } catch (error) { console.log(error.message); }
  `;
  const other = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  t.match(other.stdout, /another scheduler is running/);
  await contentOf(store);
  await store.close();
  const next = new SqliteStore(file);
  t.equal((await contentOf(next)).head.sequence, 0);
  await next.close();
});

const moduleOf = (name: string) =>
  new URL(`../../../scheduler/store/sqlite/${name}`, import.meta.url).pathname;

test('a file of a newer schema is refused, and left as it is', async (t) => {
  const file = fileIn(t);
  await written(file);
  alter(file, 'PRAGMA user_version = 99');
  t.throws(() => new SqliteStore(file), { name: 'StoreError', message: /newer Secovia \(schema 99/ });
  alter(file, `PRAGMA user_version = ${migrations.length}`);
  const store = new SqliteStore(file);
  t.equal((await contentOf(store)).head.sequence, 5);
  await store.close();
});

test('a file of the first schema, whose entities are always up to its journal, is taken up', async (t) => {
  const file = fileIn(t);
  const db = new Database(file);
  db.exec(migrations[0] as string);
  db.pragma('user_version = 1');
  const [line] = batch(1).journal as [string];
  const hash = chainHash(chainStart, 1, 1, line);
  db.prepare('INSERT INTO journal (first, last, at_ms, body, hash) VALUES (1, 1, 1001, ?, ?)').run(
    line,
    hash,
  );
  db.prepare('INSERT INTO entity VALUES (?, ?, ?)').run('site', 'zg', put('site', 'zg').body);
  db.close();
  const store = new SqliteStore(file);
  const { head, entities, decisions } = await contentOf(store);
  t.equal(head.sequence, 1);
  t.same([entities.map(([, { id }]) => id), decisions], [['zg'], []]);
  await store.close();
});

test('a file from before there were commitments is taken up, and its chain goes on with them', async (t) => {
  const file = fileIn(t);
  const db = new Database(file);
  for (const step of migrations.slice(0, 2)) db.exec(step as string);
  db.pragma('user_version = 2');
  const insert = db.prepare('INSERT INTO journal (first, last, at_ms, body, hash) VALUES (?, ?, ?, ?, ?)');
  let hash = chainStart;
  for (const sequence of [1, 2, 3]) {
    const body = batch(sequence).journal.join('');
    hash = chainHash(hash, sequence, sequence, body);
    insert.run(sequence, sequence, 1000 + sequence, body, hash);
  }
  db.close();
  const store = new SqliteStore(file);
  t.same((await contentOf(store)).head, { sequence: 3, hash: hash.toString('hex'), lastMs: 1003 });
  await store.commit(batch(4));
  const { hash: newest } = await store.commit(batch(5, { last: 6, journal: ['[1,[]]\n', '[1005,[\t]]'] }));
  await store.close();

  const chain = new SqliteChain(file);
  t.equal(chain.firstCommitted(), 4);
  const rows = [...chain.rows(1, 6)];
  t.same(
    rows.map(({ first, last, commitments }) => [first, last, commitments?.length ?? null]),
    [
      [1, 1, null],
      [2, 2, null],
      [3, 3, null],
      [4, 4, 32],
      [5, 6, 64],
    ],
  );
  t.same(
    rows.at(-1)?.lines.map(({ parts }) => parts?.map(({ text }) => text.toString())),
    [['[1,[]]'], ['[1005,[', ']]']],
  );
  const [, , , fourth, fifth] = rows;
  if (fourth?.commitments == null || fifth?.commitments == null) throw new Error('no commitments');
  const salt = fourth.lines[0]?.parts?.[0]?.salt as Buffer;
  const line = Buffer.from(batch(4).journal.join(''));
  t.same(fourth.commitments, createHash('sha256').update(salt).update(line).digest());
  t.same(fourth.hash, rowHash(hash, 4, 4, 1004, fourth.commitments));
  t.same(rowHash(fourth.hash, 5, 6, 1005, fifth.commitments), newest);
  t.notSame(salt, fifth.lines[0]?.parts?.[0]?.salt);
  chain.close();

  const again = new SqliteStore(file);
  t.equal((await contentOf(again)).head.sequence, 6);
  await again.close();
});

test('a decision whose salt and content were erased leaves the chain as it was', async (t) => {
  const file = fileIn(t);
  await written(file);
  const chain = new SqliteChain(file);
  const [row] = [...chain.rows(4, 4)];
  chain.close();
  const erased = JSON.stringify({ 0: row?.commitments?.toString('base64') });
  alter(
    file,
    `UPDATE journal SET body = '[1004,[]]', salts = zeroblob(16), erased = '${erased}' WHERE last = 4`,
  );
  const store = new SqliteStore(file);
  t.equal((await contentOf(store)).head.sequence, 5);
  await store.close();
  const after = new SqliteChain(file);
  const [gone] = [...after.rows(4, 4)];
  t.same(gone?.commitments, row?.commitments);
  t.equal(gone?.lines[0]?.parts, null, 'nothing shows what it was');
  after.close();
});

test('checkpoints are kept beside the journal', async (t) => {
  const file = fileIn(t);
  const store = new SqliteStore(file);
  await contentOf(store);
  const head = await store.commit(batch(1));
  const checkpoint = { ...head, incarnation: 1, signature: Buffer.from('signed'), atMs: 5 };
  store.keepCheckpoint(checkpoint);
  store.keepCheckpoint(checkpoint);
  store.keepCheckpoint({ ...checkpoint, incarnation: 2 });
  await store.commit(batch(2));
  await store.close();
  const chain = new SqliteChain(file);
  t.same(chain.checkpoints(1, 9), [checkpoint, { ...checkpoint, incarnation: 2 }]);
  t.same(chain.checkpoints(2, 9), []);
  chain.close();
});

test('entities are saved behind the journal, and a start takes what is missing from it', async (t) => {
  const file = fileIn(t);
  const store = new SqliteStore(file);
  await contentOf(store);
  await store.commit(batch(1, { puts: [put('site', 'early')] }));
  const copy = join(temporaryFolder(t), 'secovia.db');
  for (const suffix of ['', '-wal']) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`);
  const killed = new SqliteStore(copy);
  const { entities, decisions } = await contentOf(killed);
  t.same([entities, decisions], [[], batch(1).journal], 'killed at once, it has the decision');
  await killed.close();
  const many = Array.from({ length: 3000 }, (_, row) => put('vm', `vm-${row}`, row));
  await store.commit(batch(2, { puts: many }));
  await store.commit(batch(3));
  for (const suffix of ['', '-wal']) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`);
  const later = new SqliteStore(copy);
  const content = await contentOf(later);
  t.equal(content.entities.length, 3001, 'so many are saved at once');
  t.same(content.decisions, batch(3).journal);
  await later.close();
  await store.close();
});

for (const [what, sql] of [
  ['a changed journal line', "UPDATE journal SET body = replace(body, '1004', '1003') WHERE last = 4"],
  ['a changed salt', 'UPDATE journal SET salts = zeroblob(16) WHERE last = 4'],
  ['a salt too many', 'UPDATE journal SET salts = zeroblob(32) WHERE last = 4'],
  ['a lost salt', 'UPDATE journal SET salts = NULL WHERE last = 4'],
  [
    'a commitment in place of another',
    `UPDATE journal SET erased = '{"0":"${'A'.repeat(43)}="}' WHERE last = 4`,
  ],
  ['a changed hash', 'UPDATE journal SET hash = zeroblob(32) WHERE last = 5'],
  ['a missing batch', 'DELETE FROM journal WHERE last = 3'],
  ['a missing beginning', 'DELETE FROM journal WHERE last = 1'],
  ['another time', 'UPDATE journal SET at_ms = at_ms + 1000000000000 WHERE last = 5'],
  ['a batch with other bounds', 'UPDATE journal SET first = 2 WHERE last = 3'],
] as const) {
  test(`${what} in the journal's tail is found when it is loaded`, async (t) => {
    const file = fileIn(t);
    await written(file);
    alter(file, sql);
    const store = new SqliteStore(file);
    await t.rejects(contentOf(store), { name: 'StoreError', message: /is damaged: the journal/ });
    await store.close();
  });
}

test('a single flipped bit of the journal on disk is found', async (t) => {
  const file = fileIn(t);
  await written(file);
  const marker = Buffer.from('[1003,[]]');
  const bytes = readFileSync(file);
  const at = bytes.indexOf(marker);
  t.ok(at > 0, 'the journal was folded into the file');
  bytes[at + 1] = (bytes[at + 1] as number) ^ 1;
  writeFileSync(file, bytes);
  const store = new SqliteStore(file);
  await t.rejects(contentOf(store), { name: 'StoreError', message: /is damaged/ });
  await store.close();
});

test('of a long journal only the tail is hashed again, and it is found there', async (t) => {
  const file = fileIn(t);
  await written(file, 1010);
  alter(file, 'DELETE FROM journal WHERE last < 5');
  const store = new SqliteStore(file);
  t.equal((await contentOf(store)).head.sequence, 1010);
  await store.close();
  alter(file, 'DELETE FROM journal WHERE last = 500');
  const damaged = new SqliteStore(file);
  await t.rejects(contentOf(damaged), { name: 'StoreError', message: /sequences 501 to 501/ });
  await damaged.close();
});

test('a file that is no database is refused in one sentence', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, 'x'.repeat(8192));
  t.throws(() => new SqliteStore(file), {
    name: 'StoreError',
    message: /^cannot open .+: file is not a database$/,
  });
});

test('a torn page is found before anything is served', async (t) => {
  const file = fileIn(t);
  await written(file, 200);
  const bytes = readFileSync(file);
  bytes.fill(0xa5, bytes.length - 4096, bytes.length - 2048);
  writeFileSync(file, bytes);
  let error: Error | null = null;
  try {
    const store = new SqliteStore(file);
    try {
      await contentOf(store);
    } finally {
      await store.close();
    }
  } catch (caught) {
    error = caught as Error;
  }
  t.match(error, { name: 'StoreError' });
});

test('an entity that is no JSON any more is told as damage, not as a stack', async (t) => {
  const file = fileIn(t);
  await written(file);
  alter(file, "UPDATE entity SET body = substr(body, 2) WHERE key = 's2'");
  const { loadState } = await import('../../../scheduler/store/load.js');
  const store = new SqliteStore(file);
  await t.rejects(loadState(store), { name: 'StoreError', message: /is damaged/ });
  await store.close();
});

test('a folder that cannot be written is told in one sentence', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'taken'), 'a file');
  t.throws(() => new SqliteStore(join(folder, 'taken', 'secovia.db')), {
    name: 'StoreError',
    message: /^cannot use .+taken.*: /,
  });
  mkdirSync(join(folder, 'secovia.db.lock'));
  t.throws(() => new SqliteStore(join(folder, 'secovia.db')), {
    name: 'StoreError',
    message: /^cannot use .*secovia.db: unable to open/,
  });
});

test('of the many answers of one commit a repeated call has few read again', async (t) => {
  const file = fileIn(t);
  const store = new SqliteStore(file);
  await contentOf(store);
  const rows = Array.from({ length: 200 }, (_, index) => index + 1);
  const reply = (row: number) => Buffer.from(`answer ${row} `.repeat(row % 3));
  await store.commit(batch(1, { requests: rows.map((row) => request(row, { reply: reply(row) })) }));
  t.same(
    rows.map((row) => store.reply(row)?.toString()),
    rows.map((row) => reply(row).toString()),
  );
  const db = new Database(file, { readonly: true });
  const longest = db.prepare('SELECT max(last - first + 1) AS answers, count(*) AS rows FROM request').get();
  db.close();
  t.same(longest, { answers: 64, rows: 4 });
  await store.commit(batch(2, { forgetRequestsBefore: 100 }));
  t.same([store.reply(99), store.reply(100)?.toString()], [null, reply(100).toString()]);
  await store.close();
});

test('two writers: a copy that leads on makes the older one unable to write', async (t) => {
  const file = fileIn(t);
  await written(file);
  const store = new SqliteStore(file);
  await contentOf(store);
  // Another leader writes past the lock, as it could on shared storage.
  alter(
    file,
    `UPDATE meta SET value = '${JSON.stringify({ ...firstEpoch, counter: 2, instance: 'other' })}' WHERE key = 'epoch'`,
  );
  await t.rejects(store.commit(batch(6)), { name: 'StoreError', message: /another scheduler leads/ });
  await store.close();
});

test('two schedulers on one file, whose lock somebody took away: the first to be late writes nothing', async (t) => {
  const file = fileIn(t);
  await written(file);
  const first = new SqliteStore(file);
  await contentOf(first);
  rmSync(`${file}.lock`);
  const second = new SqliteStore(file);
  await contentOf(second);
  await first.commit(batch(6));
  await first.commit(batch(7));
  const epoch = { ...firstEpoch, counter: 2, instance: 'second' };
  await t.rejects(second.commit(batch(6, { epoch })), {
    name: 'StoreError',
    message: /another scheduler has written to the journal, which ends at 7 now/,
  });
  await second.close();
  await first.commit(batch(8));
  await first.close();
  const next = new SqliteStore(file);
  t.equal((await contentOf(next)).head.sequence, 8, 'and the journal is whole');
  await next.close();
});

test('a store whose file was removed, or replaced, says so and acknowledges nothing more', async (t) => {
  for (const replaced of [false, true]) {
    const file = fileIn(t);
    const store = new SqliteStore(file);
    await contentOf(store);
    await store.commit(batch(1));
    const broken = new Promise<Error>((resolve) => {
      store.onBroken = resolve;
    });
    rmSync(file);
    if (replaced) writeFileSync(file, '');
    t.match(await within(20_000, 'the news', broken), {
      name: 'StoreError',
      message: replaced ? /another file has been put into its place/ : /no such file/,
    });
    await t.rejects(store.commit(batch(2)), { name: 'StoreError' });
    await store.close();
  }
});

test('a full disk fails the commit, and what was acknowledged is whole', { skip: noMounts() }, async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['tiny', 'roomy']) mkdirSync(join(folder, name));
  const script = new URL('./full-disk.js', import.meta.url).pathname;
  const command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$3" "$1" "$2"';
  const run = spawnSync(
    'unshare',
    ['-m', 'sh', '-c', command, process.execPath, join(folder, 'tiny'), join(folder, 'roomy'), script],
    { encoding: 'utf8' },
  );
  t.equal(run.stderr, '');
  const { acknowledged, failures, sequence, entities, decisions } = JSON.parse(run.stdout);
  t.match(failures[0], /^StoreError: cannot write .+: database or disk is full$/);
  t.match(failures[1], /^StoreError: /, 'nothing is taken after it');
  t.ok(acknowledged > 0, `${acknowledged} batches were acknowledged`);
  t.equal(sequence, acknowledged);
  t.equal(entities + decisions, acknowledged);
});

/** A small file system of one's own needs a privilege that not everybody who runs the tests has. */
function noMounts(): string | false {
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'mounting is not allowed here';
}

test('that nothing can be written any more is told at once, also when no commit waits for it', async (t) => {
  const file = fileIn(t);
  const store = new SqliteStore(file);
  await contentOf(store);
  const head = await store.commit(batch(1, { puts: [put('site', 's1')] }));
  const broken = new Promise<Error>((resolve) => {
    store.onBroken = resolve;
  });
  alter(file, 'DROP TABLE checkpoint');
  store.keepCheckpoint({ ...head, incarnation: 1, atMs: 0, signature: Buffer.alloc(64) });
  t.match(await within(20_000, 'the news', broken), { name: 'StoreError', message: /no such table/ });
  await t.rejects(store.commit(batch(2, {})), { name: 'StoreError' });
  store.onBroken = () => t.fail('it is told once');
  await store.close();
});

test('a store that is closed is not said to be broken', async (t) => {
  const store = new SqliteStore(fileIn(t));
  store.onBroken = () => t.fail('nothing is wrong');
  await contentOf(store);
  await store.commit(batch(1, { puts: [put('site', 's1')] }));
  await store.close();
  await new Promise(setImmediate);
});

test('a journal of many rows is read in pieces, and the writer goes on meanwhile', async (t) => {
  const file = fileIn(t);
  await written(file, 1);
  const rows = 1200;
  lengthen(file, rows);
  const store = new SqliteStore(file);
  await contentOf(store);
  const journal = new SqliteJournal(file);
  let reached = 0;
  let pieces = 0;
  for (const { first, last } of journal.pieces(rows)) {
    t.equal(first, reached + 1);
    reached = last;
    pieces += 1;
    await store.commit(batch(rows + pieces));
  }
  t.equal(reached, rows);
  t.ok(pieces > 1, `${pieces} pieces`);
  journal.close();
  await store.close();
});

/** Adds batches of one empty decision each, up to this sequence, without waiting for the disk after each. */
function lengthen(file: string, upTo: number): void {
  const db = new Database(file);
  const { last, hash } = db.prepare('SELECT last, hash FROM journal ORDER BY last DESC').get() as {
    last: number;
    hash: Buffer;
  };
  const insert = db.prepare('INSERT INTO journal (first, last, at_ms, body, hash) VALUES (?, ?, ?, ?, ?)');
  let before = hash;
  db.transaction(() => {
    for (let sequence = last + 1; sequence <= upTo; sequence += 1) {
      const { atMs, journal } = batch(sequence);
      const body = journal.join('');
      before = chainHash(before, sequence, sequence, body);
      insert.run(sequence, sequence, atMs, body, before);
    }
  })();
  db.close();
}

for (const [what, sql] of [
  ['lacks a batch', 'DELETE FROM journal WHERE last = 3'],
  ['lacks its beginning', 'DELETE FROM journal WHERE last = 1'],
  ['lacks its end', 'DELETE FROM journal WHERE last > 3'],
] as const) {
  test(`a journal that ${what} is not read`, async (t) => {
    const file = fileIn(t);
    await written(file);
    alter(file, sql);
    const journal = new SqliteJournal(file);
    t.throws(() => [...journal.pieces(5)], {
      name: 'StoreError',
      message: /is damaged: decisions are missing/,
    });
    journal.close();
  });
}

test('there is no journal to read where there is no store', async (t) => {
  const file = fileIn(t);
  t.throws(() => new SqliteJournal(file), { name: 'StoreError', message: /^cannot read .+/ });
});
