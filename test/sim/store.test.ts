/** The simulated store is held to what the real one does, and to what it says of failures. */
import { test } from 'tap';
import {
  type Batch,
  type JournalHead,
  type LoadHandlers,
  type Store,
  StoreError,
} from '../../scheduler/store/store.js';
import { firstEpoch } from '../scheduler/store/batches.js';
import { storeContract } from '../scheduler/store/contract.js';
import { Disk } from './disk.js';
import { Random } from './random.js';
import { SimStore } from './store.js';
import { Life, Timeline } from './timeline.js';

/** A simulated store in the tests' own time: what is asked of it happens at once. */
class StoreInTime implements Store {
  readonly timeline = new Timeline();
  readonly life = new Life(this.timeline);
  outcome: 'written' | 'unknown' | 'full' = 'written';
  readonly sim: SimStore;

  constructor(
    readonly disk: Disk,
    random = new Random(1),
  ) {
    const weather = { latencyMs: () => 5, outcome: () => this.outcome };
    this.sim = new SimStore(disk, this.life, weather, random);
  }

  async load(handlers: LoadHandlers): Promise<JournalHead & { lastMs: number }> {
    return this.sim.load(handlers);
  }

  commit(batch: Batch): Promise<JournalHead> {
    const answer = new Promise<JournalHead>((resolve, reject) =>
      this.sim.commit(batch).then(resolve, reject),
    );
    setImmediate(() => this.timeline.runTo(this.timeline.nowMs + 10));
    return answer;
  }

  reply(row: number): Buffer | null {
    return this.sim.reply(row);
  }

  hashAt(sequence: number): Buffer | null {
    return this.sim.hashAt(sequence);
  }

  archivedIncarnationAt(): number | null {
    return null;
  }

  keepCheckpoint(): void {}

  async close(): Promise<void> {
    this.disk.save();
    this.life.end();
  }
}

storeContract('simulated', () => {
  const disk = new Disk();
  return { open: () => new StoreInTime(disk), openJournal: () => disk.journal() };
});

const batch = (first: number): Batch => ({
  epoch: firstEpoch,
  first,
  last: first,
  atMs: 1000 + first,
  journal: [`line ${first}`],
  puts: [],
  deletes: [],
  requests: [],
  forgetRequestsBefore: 0,
});
const nothing: LoadHandlers = { onEntity: () => {}, onDecision: () => {}, onRequest: () => {} };

test('an unknown outcome is an error, after which the batch is there or not, and nothing more is taken', async (t) => {
  const ends = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const store = new StoreInTime(new Disk(), new Random(seed));
    await store.load(nothing);
    store.outcome = 'unknown';
    await t.rejects(store.commit(batch(1)), { name: 'StoreError', message: /not known/ });
    store.outcome = 'written';
    await t.rejects(store.commit(batch(store.disk.head.sequence + 1)), StoreError);
    ends.add(store.disk.head.sequence);
  }
  t.same([...ends].sort(), [0, 1]);
});

test('a process that dies in a commit leaves all of it or nothing', async (t) => {
  const ends = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const store = new StoreInTime(new Disk(), new Random(seed));
    store.sim.load(nothing);
    store.sim.commit(batch(1));
    store.timeline.runTo(2);
    store.sim.crash();
    store.life.end();
    store.timeline.runTo(100);
    ends.add(store.disk.head.sequence);
  }
  t.same([...ends].sort(), [0, 1]);
});

test('a full disk takes nothing', async (t) => {
  const store = new StoreInTime(new Disk());
  await store.load(nothing);
  store.outcome = 'full';
  await t.rejects(store.commit(batch(1)), { message: /no space/ });
  t.equal(store.disk.head.sequence, 0);
});

test('a copy of a disk goes its own way', async (t) => {
  const store = new StoreInTime(new Disk());
  await store.load(nothing);
  await store.commit(batch(1));
  const copy = store.disk.copy();
  await store.commit(batch(2));
  t.equal(copy.head.sequence, 1);
  t.equal(copy.hashAt(2), null);
  const other = new StoreInTime(copy);
  await other.load(nothing);
  await other.commit({ ...batch(2), journal: ['another line'] });
  t.notSame(copy.hashAt(2), store.disk.hashAt(2));
});
