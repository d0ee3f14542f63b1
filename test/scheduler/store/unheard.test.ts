/** That no host is heard of when a scheduler begins is kept as one fact; hosts are not saved for it. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import { beginning } from '../core/script.js';
import { portraitOf } from '../core/portrait.js';
import { EngineWorld } from '../engine-world.js';
import { holdsAsync } from '../holds.js';
import { MemoryStore } from './memory-store.js';

const hosts = ['h0', 'h1', 'h2'];
const step = fc.record({
  what: fc.constantFrom('open', 'open', 'hello', 'disconnected', 'lapsed', 'cordon', 'load'),
  host: fc.constantFrom(...hosts),
  afterMs: fc.constantFrom(0, 1000),
});

function open(world: EngineWorld, name: string): void {
  world.run({ type: 'federation.open', instance: name, name: 'test', incarnation: 1 });
}

test('hosts are as they were left however many schedulers began since one was heard of', async (t) => {
  await holdsAsync(
    t,
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const store = new MemoryStore();
      let world = await EngineWorld.on(store);
      beginning(world);
      for (const { what, host, afterMs } of steps) {
        world.nowMs += afterMs;
        if (what === 'open') open(world, `at ${world.nowMs}`);
        else if (what === 'hello') world.hello(host);
        else if (what === 'cordon') world.run({ type: 'host.cordon', id: host, cordoned: true });
        else if (what === 'disconnected')
          world.run({ type: 'host.disconnected', id: host, reason: 'the stream ended' });
        else if (what === 'lapsed') world.run({ type: 'host.lapsed', id: host, reason: 'the lease ended' });
        await world.engine.readable();
        const loaded = await EngineWorld.on(new MemoryStore(store.disk));
        deepStrictEqual(portraitOf(loaded.state), portraitOf(world.state));
        if (what === 'load') world = loaded;
      }
    }),
    200,
  );
});

test('a start writes down no host, and a scheduler that is started again and again remembers no more for it', async (t) => {
  const store = new MemoryStore();
  const world = beginning(await EngineWorld.on(store)) as EngineWorld;
  const { state } = world;
  open(world, 'second');
  for (const host of ['h0', 'h1']) world.hello(host);
  await world.engine.readable();
  const saved = () =>
    hosts.map(
      (id) => [...store.disk.entities.values()].find(({ body }) => body.includes(`"id":"${id}"`))?.body,
    );
  const before = saved();
  t.equal(before.filter((body) => body !== undefined).length, 3);
  for (let start = 0; start < 20; start += 1) {
    world.nowMs += 1000;
    open(world, `${start}`);
  }
  await world.engine.readable();
  t.same(saved(), before);
  t.same(
    hosts.map((id) => state.hosts.get(id)?.state),
    ['suspect', 'suspect', 'suspect'],
  );
  t.ok((state.federation.leaderships?.length ?? 0) <= 5);
});
