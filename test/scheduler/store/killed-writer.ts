/**
 * Run as a process of its own, to be killed at any moment: commits without end to the store in the given file, and
 * says each sequence on a line as soon as it is acknowledged. Every decision carries the one before, so that a reader
 * can check that nothing is missing in between.
 */
import { writeSync } from 'node:fs';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { batch, contentOf, put, request } from './batches.js';

const [file, counter] = process.argv.slice(2) as [string, string];
const store = new SqliteStore(file);
const { head } = await contentOf(store);
const epoch = { incarnation: 1, counter: Number(counter), instance: `run-${counter}` };

/** A line for each decision, and as much more as makes every page boundary come up. */
function linesOf(first: number, last: number): string[] {
  const lines: string[] = [];
  for (let sequence = first; sequence <= last; sequence += 1) {
    const filler = 'x'.repeat((sequence * 37) % 5000);
    const line = JSON.stringify([1000 + first, { first: sequence === first, sequence, filler }]);
    lines.push(sequence === first ? line : `\n${line}`);
  }
  return lines;
}

for (let first = head.sequence + 1; ; ) {
  const last = first + (first % 4);
  await store.commit(
    batch(first, {
      last,
      epoch,
      journal: linesOf(first, last),
      puts: [put('site', 'newest', 0, { last }), put('vm', `vm-${first}`, first)],
      requests: [request(first, { id: `id-${first}`, reply: Buffer.from(`reply ${first}`) })],
    }),
  );
  writeSync(1, `${last}\n`);
  first = last + 1;
}
