/** Whoever reads decisions is not to notice where they are, and is told by name which file is not there. */
import { createPublicKey } from 'node:crypto';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import tap, { type Test, test } from 'tap';
import type { ListedEvent } from '../../../scheduler/core/audit/questions.js';
import { checkpointKeyIn, Checkpoints } from '../../../scheduler/fleet/checkpoints.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import type { JournalArchived } from '../../../scheduler/store/store.js';
import { verified } from '../audit/record.js';
import { EngineWorld } from '../engine-world.js';
import {
  archived,
  checkpointText,
  copyOf,
  eventsOf,
  exported,
  januaryMs,
  listed,
  longRecord,
  readings,
  settled,
  storeOf,
  used,
} from './archived.js';

const { dataDir, shown } = await longRecord(tap);
const before = readings(dataDir);
const decemberMs = Date.UTC(2023, 11, 1);

/** Archived in two files: November, and what of December may go. */
async function inTwo(t: Test): Promise<{ dataDir: string; files: string[] }> {
  const copy = copyOf(t, dataDir);
  await archived(copy, decemberMs);
  await archived(copy, januaryMs);
  const files = readdirSync(join(copy, 'archive')).sort();
  t.equal(files.length, 2);
  return { dataDir: copy, files };
}

const boundsOf = (name = '') => (name.match(/\d{16}/g) ?? []).map(Number) as [number, number];

test('everything that is read of a record is the same to the byte when it was archived', async (t) => {
  const { dataDir: copy } = await inTwo(t);
  for (const [what, text] of Object.entries(readings(copy))) t.equal(text, before[what], what);
  t.match(before['the settlement of 2023-12'], /"amountMinor":[1-9]/, 'and there is something to settle');
  const key = createPublicKey({
    key: checkpointKeyIn(join(copy, 'checkpoint.key')).publicKey,
    format: 'der',
    type: 'spki',
  });
  const { faults } = await verified(exported(copy), key);
  t.same(faults, [], 'an export holds from its first decision');
});

test('the chain has the same heads wherever it is asked', async (t) => {
  const { dataDir: copy } = await inTwo(t);
  const [one, other] = [new SqliteChain(storeOf(dataDir)), new SqliteChain(storeOf(copy))];
  const newest = one.headWith(Number.MAX_SAFE_INTEGER).sequence;
  const heads = (chain: SqliteChain) =>
    Array.from({ length: newest + 1 }, (_, at) => [chain.headWith(at + 1), chain.headBefore(at + 1)]);
  t.strictSame(heads(other), heads(one));
  t.equal(other.firstCommitted(), one.firstCommitted());
  t.strictSame(other.checkpoints(1, newest), one.checkpoints(1, newest));
  t.ok(one.checkpoints(1, newest).length > 20);
  one.close();
  other.close();
});

test('with the oldest file away later months are settled as before, and earlier ones are refused by its name', async (t) => {
  const { dataDir: copy, files } = await inTwo(t);
  rmSync(join(copy, 'archive', files[0] ?? ''));
  const [, last] = boundsOf(files[0]);
  for (const month of ['2023-12', '2024-01'])
    t.equal(JSON.stringify(settled(copy, month)), before[`the settlement of ${month}`], month);
  t.equal(
    JSON.stringify(used(copy, 'croatia', decemberMs)),
    before[`the usage of croatia from ${decemberMs}`],
  );
  t.equal(settled(copy, '2023-11'), 'JOURNAL_ARCHIVED');
  t.equal(used(copy, null, 0), 'JOURNAL_ARCHIVED');
  t.equal(exported(copy, null, last + 1).toString(), exported(dataDir, null, last + 1).toString());
  const entries = listed(copy);
  t.equal(entries.at(-1), 'JOURNAL_ARCHIVED', 'a listing goes as far as there is something');
  t.strictSame(entries.slice(0, -1), listed(dataDir).slice(0, entries.length - 1));
  t.match(entries.at(-2), { sequence: last + 1 });
  const from = { sequence: last + 1, position: 0 };
  t.strictSame(eventsOf(copy, 'oldest', from), eventsOf(dataDir, 'oldest', from));
  const after = (eventsOf(dataDir, 'newest') as ListedEvent[]).filter(({ sequence }) => sequence > last);
  t.strictSame(eventsOf(copy, 'newest'), [...after, 'JOURNAL_ARCHIVED']);
  t.strictSame(eventsOf(copy, 'oldest'), ['JOURNAL_ARCHIVED']);
  t.throws(() => exported(copy), {
    refusal: {
      kind: 'precondition',
      reason: 'JOURNAL_ARCHIVED',
      message: `decisions 1 to ${last} were archived, and their file archive/${files[0]} is not in the scheduler's data folder; put that file back there, or ask for what came after: from decision ${last + 1} or 2023-11-30T23:`,
      metadata: {
        file: `archive/${files[0]}`,
        first: '1',
        last: `${last}`,
        available_sequence: `${last + 1}`,
      },
    },
  } as unknown as JournalArchived);
});

test('with a newer file away what is before and after it is read, and what needs it is refused', async (t) => {
  const { dataDir: copy, files } = await inTwo(t);
  rmSync(join(copy, 'archive', files[1] ?? ''));
  const [first, last] = boundsOf(files[1]);
  t.equal(settled(copy, '2023-12'), 'JOURNAL_ARCHIVED');
  t.equal(settled(copy, '2023-11'), 'JOURNAL_ARCHIVED', 'the month ends in the file that is away');
  t.equal(JSON.stringify(settled(copy, '2024-01')), before['the settlement of 2024-01']);
  t.equal(exported(copy, null, 1, first - 1).toString(), exported(dataDir, null, 1, first - 1).toString());
  t.equal(exported(copy, 'arnes', last + 1).toString(), exported(dataDir, 'arnes', last + 1).toString());
  const earlier = (eventsOf(dataDir, 'oldest') as ListedEvent[]).filter(({ sequence }) => sequence < first);
  t.strictSame(
    eventsOf(copy, 'oldest'),
    [...earlier, 'JOURNAL_ARCHIVED'],
    'events come as far as they are there',
  );
});

test('a file of another history that has the name is not taken for the one that is meant', async (t) => {
  const { dataDir: copy, files } = await inTwo(t);
  const [one = '', other = ''] = files;
  rmSync(join(copy, 'archive', one));
  renameSync(join(copy, 'archive', other), join(copy, 'archive', one));
  t.equal(settled(copy, '2023-11'), 'JOURNAL_ARCHIVED');
  t.throws(() => exported(copy), {
    message: /archive\/journal-.* in the scheduler's data folder is of another history; put/,
  });
});

test('what an agent was shown is known again, with the files and without them', async (t) => {
  const { dataDir: copy } = await inTwo(t);
  const checked = async () => {
    const store = new SqliteStore(storeOf(copy));
    const { engine } = await EngineWorld.on(store);
    const checkpoints = new Checkpoints(engine, store, checkpointKeyIn(join(copy, 'checkpoint.key')));
    const behind = [...shown.values()].map((checkpoint) => checkpoints.journalBehind(checkpoint));
    // Another copy has led and signed what this one never decided.
    const first = shown.get(100);
    const key = checkpointKeyIn(join(copy, 'checkpoint.key'));
    const foreign = (incarnation: number) => {
      const hash = Buffer.alloc(32, 7);
      const sequence = first?.sequence ?? 0;
      const signature = key.sign(checkpointText(incarnation, { sequence, hash }));
      return checkpoints.journalBehind({ incarnation, sequence, hash, signature });
    };
    const strangers = [foreign(1), foreign(2)];
    await store.close();
    return { behind, strangers };
  };
  const withFiles = await checked();
  t.same(
    withFiles.behind,
    [...shown.values()].map(() => null),
  );
  t.match(
    withFiles.strangers,
    [{ incarnation: 1 }, { incarnation: 2 }],
    'another history is found by its hash',
  );
  rmSync(join(copy, 'archive'), { recursive: true });
  const without = await checked();
  t.same(
    without.behind,
    [...shown.values()].map(() => null),
    'who decided then is known still',
  );
  t.match(
    without.strangers,
    [null, { incarnation: 2, reason: /has seen another journal at/ }],
    'and who did not; of the rest nothing can be said any more',
  );
});
