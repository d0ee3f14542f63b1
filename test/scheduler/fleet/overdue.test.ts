import { pino } from 'pino';
import { test } from 'tap';
import { Overdue } from '../../../scheduler/fleet/overdue.js';
import { EngineWorld } from '../engine-world.js';
import { MemoryStore } from '../store/memory-store.js';

const limitMs = 600_000;

test('operations that take too long end a minute later at most, the oldest first, and no others do', async (t) => {
  const world = await EngineWorld.on(new MemoryStore());
  const { engine } = world;
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  world.host('a', 'zagreb');
  let uptimeMs = 0;
  const overdue = new Overdue({
    engine,
    log: pino({ level: 'silent' }),
    operationLimitMs: limitMs,
    uptimeMs: () => uptimeMs,
  });
  const after = (ms: number) => {
    world.nowMs += ms;
    uptimeMs += ms;
    overdue.sweep();
  };
  const settled = world.settled('settled');
  const { operation: first } = world.create(world.newVm('first'));
  after(0);
  after(limitMs / 2);
  const { operation: second } = world.create(world.newVm('second'));
  after(limitMs / 2 - 1000);
  t.equal(first.state, 'running');
  after(60_000);
  t.match(first, { state: 'failed', fault: { reason: 'OPERATION_TIMED_OUT' } });
  t.equal(second.state, 'running');
  t.equal(engine.state.vms.get(settled.uid)?.state, 'running');
  after(limitMs / 2);
  t.equal(second.state, 'failed');
  const { sequence } = engine.state;
  after(limitMs);
  t.equal(engine.state.sequence, sequence, 'and nothing is written any more');
});
