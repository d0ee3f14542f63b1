import { test } from 'tap';
import { pino } from 'pino';
import { checkpointKeyIn, Checkpoints } from '../../../scheduler/fleet/checkpoints.js';
import { Fleet } from '../../../scheduler/fleet/fleet.js';
import { AgentSession } from '../../../scheduler/fleet/session.js';
import type { LinkResponse } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import { encoded } from '../../sim/wire.js';
import { machineIdOf } from '../api/agent.js';
import { EngineWorld } from '../engine-world.js';
import { temporaryFolder } from '../scope.js';
import { MemoryStore } from '../store/memory-store.js';

test('no lease is granted on the word of an end of recovery that is not durable yet', async (t) => {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  const { engine } = world;
  world.site('zagreb');
  const machineId = machineIdOf('a');
  world.run({ type: 'host.join', id: 'a', site: 'zagreb', rack: '', machineId });
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  await engine.readable();
  const checkpoints = new Checkpoints(engine, store, checkpointKeyIn(`${temporaryFolder(t)}/key`));
  const log = pino({ level: 'silent' });
  const fleet = new Fleet({ engine, checkpoints, leaseMs: 10_000, log, uptimeMs: () => 0 });
  fleet.start();
  t.teardown(() => fleet.stop());
  const written: LinkResponse[] = [];
  const stream = {
    write: (message: LinkResponse) => written.push(message) > 0,
    once: () => {},
    end: () => {},
  };
  const { hello } = encoded.request({
    hello: { host: 'hosts/a', machineId, bootId: 'boot', protocolVersion: 1, inventory: {}, report: {} },
  });
  if (!hello) throw new Error('no hello');
  const session = fleet.hello(stream, 'a', hello);
  if (!(session instanceof AgentSession)) throw new Error('not let in');
  await engine.readable();
  const grants = () => written.filter(({ leaseGrant }) => leaseGrant).length;
  fleet.lease(session, 1);
  t.equal(grants(), 0, 'in recovery there are none');
  t.match(written.at(-1), { leaseWithheld: { id: 1 } }, 'and the agent hears that somebody is there');
  store.held = true;
  world.run({ type: 'recovery.end', site: 'zagreb', force: true });
  fleet.lease(session, 2);
  t.equal(grants(), 0, 'its end may never have been');
  store.held = false;
  store.release();
  await engine.readable();
  t.ok(written.at(-1)?.rejected, 'the agent is to say hello anew');
});
