import { deepStrictEqual } from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import type { Command } from '../../../scheduler/core/commands.js';
import type { JournalLine } from '../../../scheduler/core/audit/line.js';
import { loadState } from '../../../scheduler/store/load.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { portraitOf } from '../core/portrait.js';
import { beginning, commandOf, script } from '../core/script.js';
import { holdsAsync } from '../holds.js';
import { temporaryFolder } from '../scope.js';
import { MemoryStore } from '../store/memory-store.js';
import { EngineWorld } from '../engine-world.js';
import { Record, verified } from './record.js';

type Steps = typeof script extends fc.Arbitrary<infer T> ? T : never;

function play(world: EngineWorld, steps: Steps): void {
  for (const { what, afterMs } of steps) {
    world.nowMs += afterMs;
    world.try<Command['type']>(commandOf(world, what));
  }
}

const numberOf = (value: number | [number, ...number[]]) => (typeof value === 'number' ? value : value[0]);

test('over any history the decisions that concern a partner are numbered without a gap', async (t) => {
  let decisions = 0;
  const seen = new Set<string>();
  await holdsAsync(
    t,
    fc.asyncProperty(script, async (steps) => {
      const store = new MemoryStore();
      const world = await EngineWorld.on(store);
      beginning(world);
      play(world, steps);
      await world.engine.readable();
      const numbers = new Map<string, number>();
      for (const line of store.disk.journal.join('\n').split('\n')) {
        const [, changes, , audience = {}] = JSON.parse(line) as JournalLine;
        decisions += 1;
        for (const [partner, value] of Object.entries(audience)) {
          if (numberOf(value) !== (numbers.get(partner) ?? 0) + 1) return false;
          numbers.set(partner, numberOf(value));
          seen.add(partner);
          const indexes = typeof value === 'number' ? [] : value.slice(1);
          if (indexes.some((index) => changes[index] === undefined)) return false;
        }
      }
      for (const { partner, last } of world.state.audit.all())
        if (numbers.get(partner) !== last) return false;
      return true;
    }),
    60,
  );
  t.ok(decisions > 1000, `${decisions} decisions`);
  t.ok(seen.has('p') && seen.has('p1'));
});

/** Plays a history, leaves it as a kill -9 would, and goes on. */
async function checkReplayed(t: Test, before: Steps, after: Steps): Promise<void> {
  const folder = temporaryFolder(t);
  const record = await Record.open(t, folder);
  beginning(record.world);
  play(record.world, before);
  await record.row();
  const copy = join(temporaryFolder(t), 'secovia.db');
  for (const suffix of ['', '-wal']) copyFileSync(`${record.file}${suffix}`, `${copy}${suffix}`);
  const killed = new SqliteStore(copy);
  const { state } = await loadState(killed);
  deepStrictEqual(portraitOf(state).entities, portraitOf(record.world.state).entities);
  await killed.close();
  await record.close();

  const again = await Record.open(t, folder);
  const last = again.world.state.audit.last('p');
  t.equal(last, record.world.state.audit.last('p'));
  t.ok(last > 5);
  play(again.world, after);
  await again.row();
  t.same((await verified(again.export(), again.key)).faults, []);
  for (const { partner, last: newest } of again.world.state.audit.all()) {
    const verdict = await verified(again.export({ partner }), again.key);
    t.match(verdict, { faults: [], numbers: { first: 1, last: newest } }, partner);
  }
  await again.close();
}

test('a journal that is replayed gives the same numbers, and an export of it holds for each partner', async (t) => {
  await holdsAsync(
    t,
    fc.asyncProperty(script, script, (before, after) => checkReplayed(t, before, after)),
    1,
    { endOnFailure: true },
  );
});

test('the rows of a store are chained as is said, and each line is committed to', async (t) => {
  const record = await Record.open(t);
  beginning(record.world);
  await record.row();
  const chain = new SqliteChain(record.file);
  const newest = record.world.engine.head.sequence;
  const backwards = [...chain.rowsBackwards(newest)].map(({ first, last }) => [first, last]);
  const forwards = [...chain.rows(1, newest)].map(({ first, last }) => [first, last]);
  t.same(backwards.reverse(), forwards);
  t.equal(forwards.at(-1)?.[1], newest);
  t.equal(chain.firstCommitted(), 1);
  t.equal(chain.headBefore(1).sequence, 0);
  chain.close();
  await record.close();
});
