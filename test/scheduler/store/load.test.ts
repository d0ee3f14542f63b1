import { deepStrictEqual } from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'tap';
import type { Command } from '../../../scheduler/core/commands.js';
import { loadState } from '../../../scheduler/store/load.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import type { Store } from '../../../scheduler/store/store.js';
import type { Vm } from '../../../scheduler/core/model.js';
import { adoption, orphan, report } from '../core/elsewhere/adoption-world.js';
import { portraitOf, vmsInOrder } from '../core/portrait.js';
import { beginning, commandOf, script } from '../core/script.js';
import { EngineWorld } from '../engine-world.js';
import { holdsAsync } from '../holds.js';
import { MemoryStore } from './memory-store.js';
import { type Scope, temporaryFolder } from '../scope.js';

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

/** A store on a file, which is closed also when its test fails. */
function opened(t: Scope, file: string): SqliteStore {
  const store = new SqliteStore(file);
  t.teardown(() => store.close());
  return store;
}

async function checkThroughFile(t: Scope, before: Steps, after: Steps): Promise<EngineWorld> {
  const file = join(temporaryFolder(t), 'secovia.db');
  const store = opened(t, file);
  const world = await EngineWorld.on(store);
  beginning(world);
  await play(world, before);
  // As a kill -9 would leave it: what is not among the entities yet comes from the journal.
  const copy = join(temporaryFolder(t), 'secovia.db');
  for (const suffix of ['', '-wal']) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`);
  for (const _ of ['killed', 'closed without a save']) {
    const copied = opened(t, copy);
    await checkLoad(world, copied);
    await copied.close();
  }
  await store.close();
  const again = await checkLoad(world, opened(t, file));
  await play(again, after);
  await again.store.close();
  const last = opened(t, file);
  await checkLoad(again, last);
  await last.close();
  return again;
}

test('the same through a real file', async (t) => {
  await holdsAsync(
    t,
    fc.asyncProperty(script, script, async (before, after) => {
      const world = await checkThroughFile(t, before, after);
      t.ok(world.engine.head.sequence > 0, `${world.engine.head.sequence} decisions`);
      t.same(world.failures, []);
    }),
    1,
    { endOnFailure: true },
  );
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

/** A VM is deleted and its orphan adopted, and perhaps deleted in its turn, all in one commit. */
async function adoptAgain(world: EngineWorld, uid: string, administration: string, deleted = false) {
  const vm = world.state.vms.get(uid) as Vm;
  const host = vm.host as string;
  const vmNow = () => world.state.vms.get(uid) as Vm;
  world.delete(vm);
  world.see(vmNow(), 'absent');
  report(world, host, orphan({ uid }));
  world.run(adoption(world, { administration, host, vm: { uid, id: `of-${administration}` } }));
  world.see(vmNow(), 'running');
  if (deleted) {
    world.delete(vmNow());
    world.see(vmNow(), 'absent');
  }
  await world.engine.readable();
}

test('a VM that is deleted and adopted within one commit is there as the adopted one alone', async (t) => {
  const file = join(temporaryFolder(t), 'secovia.db');
  const world = beginning(await EngineWorld.on(opened(t, file))) as EngineWorld;
  const { uid } = world.run(world.createOf([world.newVm('v', { image: 'i0' })], 'a0')).vms[0] as {
    uid: string;
  };
  world.see(world.state.vms.get(uid) as Vm, 'running');
  await world.engine.readable();
  await adoptAgain(world, uid, 'a1');
  await world.store.close();
  const again = await checkLoad(world, opened(t, file));
  t.same(
    vmsInOrder(again.state).map(({ id }) => id),
    ['of-a1'],
  );
  await adoptAgain(again, uid, 'a0', true);
  await again.store.close();
  t.equal((await checkLoad(again, opened(t, file))).state.vms.size, 0, 'and gone when that is gone too');
});
