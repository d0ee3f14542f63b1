import { deepStrictEqual } from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'tap';
import type { Command } from '../../../scheduler/core/commands.js';
import { loadState } from '../../../scheduler/store/load.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import type { Store } from '../../../scheduler/store/store.js';
import { portraitOf } from '../core/portrait.js';
import { beginning, commandOf, script } from '../core/script.js';
import { EngineWorld } from '../engine-world.js';
import { holdsAsync } from '../holds.js';
import { MemoryStore } from './memory-store.js';
import { temporaryFolder } from '../scope.js';

type Steps = typeof script extends fc.Arbitrary<infer T> ? T : never;

/** Plays a part of a history on a world, with pauses in which the store catches up. */
async function play(world: EngineWorld, steps: Steps): Promise<void> {
  for (const [index, { what, afterMs }] of steps.entries()) {
    world.nowMs += afterMs;
    world.try<Command['type']>(commandOf(world, what));
    if (index % 7 === 0) await world.engine.readable();
  }
  await world.engine.readable();
}

async function checkLoad(world: EngineWorld, reopened: Store): Promise<EngineWorld> {
  const again = await EngineWorld.on(reopened);
  deepStrictEqual(portraitOf(again.state), portraitOf(world.state));
  deepStrictEqual(again.engine.head, world.engine.head);
  return again;
}

test('a state that was loaded is the state that was left, and goes on from there', async (t) => {
  await holdsAsync(
    t,
    fc.asyncProperty(script, script, async (before, after) => {
      const store = new MemoryStore();
      const world = await EngineWorld.on(store);
      beginning(world);
      await play(world, before);
      const again = await checkLoad(world, new MemoryStore(store.disk));
      await play(again, after);
      await checkLoad(again, new MemoryStore(store.disk));
    }),
    40,
  );
});

test('the same through a real file', async (t) => {
  const [before, after] = fc.sample(script, 2) as [Steps, Steps];
  const file = join(temporaryFolder(t), 'secovia.db');
  const store = new SqliteStore(file);
  const world = await EngineWorld.on(store);
  beginning(world);
  await play(world, before);
  // As a kill -9 would leave it: what is not among the entities yet comes from the journal.
  const copy = join(temporaryFolder(t), 'secovia.db');
  for (const suffix of ['', '-wal']) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`);
  const killed = new SqliteStore(copy);
  await checkLoad(world, killed);
  await killed.close();
  const unsaved = new SqliteStore(copy);
  await checkLoad(world, unsaved);
  await unsaved.close();
  await store.close();
  const again = await checkLoad(world, new SqliteStore(file));
  await play(again, after);
  await again.store.close();
  const last = new SqliteStore(file);
  await checkLoad(again, last);
  await last.close();
  t.ok(again.engine.head.sequence > 0, `${again.engine.head.sequence} decisions`);
  t.same(again.failures, []);
});

test('a VM that was made and changed within one commit is kept as it became', async (t) => {
  const store = new MemoryStore();
  const world = beginning(await EngineWorld.on(store)) as EngineWorld;
  const { vms, operation } = world.run(world.createOf([world.newVm('v', { image: 'i0' })], 'a0'));
  const [vm] = vms as [(typeof vms)[0]];
  world.see(vm, 'running');
  world.delete(vm);
  await world.engine.readable();
  const { state } = await loadState(new MemoryStore(store.disk));
  t.same(state.vms.get(vm.uid), vm);
  t.match(state.operations.get(operation?.id ?? ''), { state: 'succeeded', succeeded: 1 });
});

test('what was made and removed within one commit is not kept at all', async (t) => {
  const store = new MemoryStore();
  const world = beginning(await EngineWorld.on(store)) as EngineWorld;
  const vm = world.run(world.createOf([world.newVm('v', { image: 'i0' })], 'a0')).vms[0] as { uid: string };
  const kept = world.state.vms.get(vm.uid);
  if (kept === undefined) throw new Error('the VM is not there');
  world.delete(kept);
  world.see(kept, 'absent');
  await world.engine.readable();
  const { state } = await loadState(new MemoryStore(store.disk));
  t.equal(state.vms.size, 0);
});
