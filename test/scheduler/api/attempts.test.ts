import { test } from 'tap';
import { CountedAttempts, longestMs, mostKinds, soonMs } from '../../../scheduler/api/attempts.js';
import { insecureCaller } from '../../../scheduler/core/access/caller.js';
import type { JournalLine } from '../../../scheduler/core/audit/line.js';
import type { RefusedAttempts } from '../../../scheduler/core/audit/attempts.js';
import { refuse } from '../../../scheduler/core/refusal.js';
import { EngineWorld } from '../engine-world.js';
import { MemoryStore } from '../store/memory-store.js';

const method = '/secovia.v1.VmService/CreateVm';
const denied = refuse('denied', 'NOT_YOURS', 'no');

async function counting() {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  const attempts = new CountedAttempts(world.engine);
  const written = async (): Promise<RefusedAttempts[][]> => {
    await world.engine.readable();
    return store.disk.journal
      .flatMap((body) => body.split('\n'))
      .flatMap((line) => (JSON.parse(line) as JournalLine)[1])
      .flatMap((change) => (change.type === 'attempts.refused' ? [change.entries] : []));
  };
  return { world, attempts, written };
}

test('attempts that are alike are one record, with how many and when', async (t) => {
  const { world, attempts, written } = await counting();
  const startMs = world.nowMs;
  for (let times = 0; times < 1000; times += 1) {
    world.nowMs += 1;
    attempts.note(insecureCaller, method, denied);
  }
  attempts.note(null, method, refuse('unauthenticated', 'UNAUTHENTICATED', 'who?'));
  t.same(await written(), [], 'nothing yet');
  attempts.flush();
  const common = { onBehalf: '', method: method.slice(1) };
  t.same(await written(), [
    [
      {
        identity: 'insecure',
        ...common,
        reason: 'NOT_YOURS',
        count: 1000,
        firstMs: startMs + 1,
        lastMs: startMs + 1000,
      },
      {
        identity: 'nobody',
        ...common,
        reason: 'UNAUTHENTICATED',
        count: 1,
        firstMs: startMs + 1000,
        lastMs: startMs + 1000,
      },
    ],
  ]);
  attempts.flush();
  t.equal((await written()).length, 1, 'and nothing when there is nothing');
});

test('however many kinds there are, memory and disk are bounded', async (t) => {
  const { attempts, written } = await counting();
  const kinds = mostKinds * 4;
  for (let kind = 0; kind < kinds; kind += 1) {
    const identity = `spiffe://test/admin/${kind}-${'x'.repeat(5000)}`;
    attempts.note({ ...insecureCaller, identity }, method, denied);
  }
  attempts.flush();
  const [entries = []] = await written();
  t.equal(entries.length, mostKinds + 1);
  t.match(entries.at(-1), { identity: '', method: '', reason: '', count: kinds - mostKinds });
  t.ok(JSON.stringify(entries).length < 400_000);
});

test('they are written a minute after the first, and ever less often while they go on', async (t) => {
  const { world, attempts, written } = await counting();
  const timers = mockedTimers(t);
  const waits: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    attempts.note(insecureCaller, method, denied);
    attempts.note(insecureCaller, method, denied);
    t.equal(timers.length, round + 1, 'one timer at a time');
    const { ms, fire } = timers.at(-1) as { ms: number; fire: () => void };
    waits.push(ms);
    world.nowMs += ms;
    fire();
  }
  t.same(waits, [soonMs, 2 * soonMs, 4 * soonMs, 8 * soonMs, longestMs, longestMs, longestMs]);
  t.equal((await written()).length, 7);
  world.nowMs += 24 * 3_600_000;
  attempts.note(insecureCaller, method, denied);
  t.equal(timers.at(-1)?.ms, soonMs, 'after a quiet time soon again');
});

/** Timers that fire when the test says so. */
function mockedTimers(t: { teardown(work: () => void): void }) {
  const timers: { ms: number; fire: () => void }[] = [];
  const real = globalThis.setTimeout;
  globalThis.setTimeout = ((fire: () => void, ms: number) => {
    timers.push({ ms, fire });
    const timer = real(() => {}, 0);
    return timer;
  }) as typeof setTimeout;
  t.teardown(() => {
    globalThis.setTimeout = real;
  });
  return timers;
}
