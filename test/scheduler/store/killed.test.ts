import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { test } from 'tap';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { contentOf } from './batches.js';
import { temporaryFolder } from '../scope.js';

const writer = new URL('./killed-writer.js', import.meta.url).pathname;
const kills = 6;

/** Runs the writer, kills it after so many acknowledgements and some microseconds, and gives the last one heard. */
function runAndKill(file: string, counter: number, after: number): Promise<{ last: number; errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [writer, file, String(counter)]);
    let heard = '';
    let errors = '';
    let armed = false;
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.stdout.on('data', (data) => {
      heard += data;
      if (armed || heard.split('\n').length <= after) return;
      armed = true;
      const until = process.hrtime.bigint() + BigInt(randomInt(3_000_000));
      while (process.hrtime.bigint() < until);
      child.kill('SIGKILL');
    });
    child.on('close', () => {
      const whole = heard.slice(0, heard.lastIndexOf('\n') + 1);
      resolve({ last: Number(whole.trim().split('\n').at(-1)), errors });
    });
  });
}

test('what a killed scheduler left in the log is in the file itself before the next one believes it', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'secovia.db');
  const { last } = await runAndKill(file, 1, 20);
  t.ok(statSync(`${file}-wal`).size > 0);
  const store = new SqliteStore(file);
  t.equal(statSync(`${file}-wal`).size, 0);
  const alone = join(folder, 'alone.db');
  copyFileSync(file, alone);
  await store.close();
  const copy = new SqliteStore(alone);
  const { head } = await contentOf(copy);
  await copy.close();
  t.ok(
    head.sequence >= last,
    `${last} was acknowledged, and the file without its log ends at ${head.sequence}`,
  );
});

test('a reader of the file does not keep a scheduler from starting', async (t) => {
  const file = join(temporaryFolder(t), 'secovia.db');
  const { last } = await runAndKill(file, 1, 20);
  const reader = new Database(file, { readonly: true });
  const reading = reader.prepare('SELECT last FROM journal').iterate();
  reading.next();
  const store = new SqliteStore(file);
  const { head } = await contentOf(store);
  t.ok(head.sequence >= last);
  await store.close();
  reading.return?.();
  reader.close();
});

test('after a kill -9 in the middle of commits everything acknowledged is there, whole and chained', async (t) => {
  const file = join(temporaryFolder(t), 'secovia.db');
  let rows = 0;
  for (let run = 1; run <= kills; run += 1) {
    const { last, errors } = await runAndKill(file, run, randomInt(1, 60));
    t.equal(errors, '', 'the writer took up where the one before was killed');
    const store = new SqliteStore(file);
    const { head, entities, decisions, requests } = await contentOf(store);
    await store.close();
    t.ok(head.sequence >= last, `${last} was acknowledged, and the journal ends at ${head.sequence}`);
    const saved = Number(entities.find(([kind]) => kind === 'site')?.[1]['last'] ?? 0);
    const after = decisions.map((line) => JSON.parse(line)[1] as { sequence: number; first: boolean });
    t.same(
      after.map(({ sequence }) => sequence),
      Array.from({ length: head.sequence - saved }, (_, index) => saved + 1 + index),
      'what the entities do not have yet follows in the journal',
    );
    const vms = entities.filter(([kind]) => kind === 'vm').length;
    const batches = vms + after.filter(({ first }) => first).length;
    t.equal(batches, requests.length, 'each batch is there as a whole');
    t.ok(batches > rows, `${batches} batches`);
    rows = batches;
  }
});
