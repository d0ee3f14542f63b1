/**
 * Run as a process of its own, in a mount namespace where the given folder is a tiny file system: commits until the
 * disk is full, carries the file to a roomy folder, and tells what it has seen as one line of JSON.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { batch, contentOf, put } from './batches.js';

const [tiny, roomy] = process.argv.slice(2) as [string, string];
const store = new SqliteStore(join(tiny, 'secovia.db'));
await contentOf(store);
let acknowledged = 0;
const failures: string[] = [];
const text = 'x'.repeat(50_000);
for (let sequence = 1; failures.length < 2; sequence += 1) {
  try {
    await store.commit(batch(sequence, { puts: [put('site', `s${sequence}`, 0, { text })] }));
    acknowledged = sequence;
  } catch (error) {
    failures.push(String(error));
  }
}
await store.close();
for (const name of ['secovia.db', 'secovia.db-wal']) {
  if (existsSync(join(tiny, name))) copyFileSync(join(tiny, name), join(roomy, name));
}
const copy = new SqliteStore(join(roomy, 'secovia.db'));
const { head, entities, decisions } = await contentOf(copy);
await copy.close();
process.stdout.write(
  `${JSON.stringify({ acknowledged, failures, sequence: head.sequence, entities: entities.length, decisions: decisions.length })}\n`,
);
