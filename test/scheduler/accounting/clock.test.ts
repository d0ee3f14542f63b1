import { test } from 'tap';
import type { Segment } from '../../../scheduler/core/accounting/segment.js';
import { segmentsOf } from '../core/accounting/read.js';
import { EngineWorld } from '../engine-world.js';
import { MemoryDisk, MemoryStore } from '../store/memory-store.js';

const hour = 3_600_000;

const shown = ({ fromMs, toMs, stopped }: Segment, startMs: number) =>
  `${(fromMs - startMs) / hour}-${(toMs - startMs) / hour}${stopped ? ' stopped' : ''}`;

test('restarts of the scheduler and a clock that is set back or forward lose and double nothing', async (t) => {
  const disk = new MemoryDisk();
  let world = await EngineWorld.on(new MemoryStore(disk));
  const startMs = world.nowMs;
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  world.host('zg-1', 'zagreb');
  const { uid } = world.settled('web');
  world.nowMs = startMs + 5 * hour;
  world.see(world.stop(world.state.vms.get(uid) as never).vm, 'stopped');
  await world.engine.readable();
  world = await EngineWorld.on(new MemoryStore(disk));
  world.run({ type: 'federation.open', instance: 'second', name: 'test', incarnation: 1 });
  // The clock is two hours behind what was written already.
  world.nowMs = startMs + 3 * hour;
  world.see(world.start(world.state.vms.get(uid) as never).vm, 'running');
  world.nowMs = startMs + 4 * hour;
  world.see(world.stop(world.state.vms.get(uid) as never).vm, 'stopped');
  world.nowMs = startMs + 90 * hour;
  world.see(world.delete(world.state.vms.get(uid) as never).vm, 'absent');
  await world.engine.readable();
  t.equal(world.state.vms.has(uid), false);
  t.same(world.failures, []);
  const segments = segmentsOf(Buffer.from(disk.journal.join('\n')), startMs + 100 * hour);
  t.same(
    segments.map((segment) => shown(segment, startMs)),
    ['0-5', '5-90 stopped'],
    'what happened while the clock was behind took no time',
  );
});
