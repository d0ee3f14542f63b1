/** The watchdog rule (PROTOCOL.md F1) as it is counted here: from the end of whatever lease a host may hold, and never before. */
import { pino } from 'pino';
import { test } from 'tap';
import type { LinkResponse } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import type { Host } from '../../../scheduler/core/model.js';
import { checkpointKeyIn, Checkpoints } from '../../../scheduler/fleet/checkpoints.js';
import { Fleet } from '../../../scheduler/fleet/fleet.js';
import { AgentSession } from '../../../scheduler/fleet/session.js';
import { encoded } from '../../sim/wire.js';
import { EngineWorld } from '../engine-world.js';
import { type Scope, temporaryFolder } from '../scope.js';
import { MemoryStore } from '../store/memory-store.js';
import { eventually } from '../within.js';

const watchdog = { armed: true, timeoutS: 30, problem: '' };
/** Two time-outs and the margin. */
const biteMs = 62_000;
const policy = {
  onGuestShutdown: 'stay_stopped',
  rebuildable: true,
  onHostLoss: 'restart',
  onLeaseLoss: 'stop',
} as const;

/** Hosts whose watchdogs are armed, each with a VM that stops with the lease; `lost` of them are lost already. */
async function fleetOf(t: Scope, names: string[], lost: string[]) {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  const { engine } = world;
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  for (const name of names) world.host(name, 'zagreb');
  for (const name of names) {
    const report = { libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [], watchdog };
    world.run({ type: 'host.report', id: name, report, inventory: null, capacity: null });
    const excludedHosts = names.filter((id) => id !== name);
    world.settled(`on-${name}`, { policy, placement: { sites: [], countries: [], excludedHosts } });
  }
  for (const id of lost) {
    world.run({ type: 'host.disconnected', id, reason: 'the stream ended' });
    world.run({ type: 'host.lapsed', id, reason: 'its lease ended' });
  }
  await engine.readable();
  let uptimeMs = 0;
  const checkpoints = new Checkpoints(engine, store, checkpointKeyIn(`${temporaryFolder(t)}/key`));
  const log = pino({ level: 'silent' });
  const fleet = new Fleet({ engine, checkpoints, leaseMs: 10_000, log, uptimeMs: () => uptimeMs });
  fleet.start();
  t.teardown(() => fleet.stop());
  const written: LinkResponse[] = [];
  const grants = () => written.filter(({ leaseGrant }) => leaseGrant).length;
  const host = (id: string) => engine.state.hosts.get(id) as Host;
  const hello = (id: string): AgentSession => {
    const stream = {
      write: (message: LinkResponse) => written.push(message) > 0,
      once: () => {},
      end: () => {},
    };
    const request = encoded.request({
      hello: {
        host: `hosts/${id}`,
        machineId: `machine-of-${id}`,
        bootId: 'boot-1',
        protocolVersion: 1,
        inventory: {},
        report: { libvirtAvailable: true, watchdog: { armed: true, timeoutSeconds: 30 } },
      },
    });
    if (!request.hello) throw new Error('no hello');
    const session = fleet.hello(stream, id, request.hello);
    if (!(session instanceof AgentSession)) throw new Error(`${id} is not let in: ${session.message}`);
    return session;
  };
  const at = (ms: number) => {
    world.nowMs += ms - uptimeMs;
    uptimeMs = ms;
  };
  const becomes = (id: string, what: string, satisfies: (host: Host) => boolean) =>
    eventually(`host ${id} ${what}`, () => host(id), satisfies);
  return { store, world, engine, fleet, grants, host, hello, at, becomes };
}

test('a host that was lost, says hello to the next leader and falls silent may hold the longest lease ever granted (L4)', async (t) => {
  const { fleet, host, hello, at, becomes } = await fleetOf(t, ['back', 'other'], ['back']);
  for (const id of ['back', 'other']) fleet.gone(hello(id), 'the wire broke');
  at(11_000);
  await becomes('other', 'is lost', ({ state }) => state === 'lost');
  t.equal(host('back').state, 'suspect', 'it has not said what it holds');
  at(606_001);
  await becomes('back', 'is lost', ({ state }) => state === 'lost');
});

test('the longest lease of another leader is counted a hundredth longer, as every lease is (L1)', async (t) => {
  const { engine, fleet, host, hello, at, becomes } = await fleetOf(t, ['lost', 'other'], ['lost']);
  fleet.gone(hello('other'), 'the wire broke');
  at(11_000);
  await becomes('other', 'is lost', ({ state }) => state === 'lost');
  await engine.readable();
  at(600_000 + biteMs + 1000);
  await becomes('other', 'has stopped', ({ stopProof }) => stopProof !== undefined);
  t.equal(host('lost').stopProof, undefined);
  at(606_000 + biteMs);
  await becomes('lost', 'has stopped', ({ stopProof }) => stopProof !== undefined);
});

test('a lease that was granted since the host was lost counts, though the disk was too slow to say that it was back', async (t) => {
  const { store, engine, fleet, grants, host, hello, at, becomes } = await fleetOf(t, ['slow'], []);
  const session = hello('slow');
  await engine.readable();
  at(11_000);
  await becomes('slow', 'is lost', ({ state }) => state === 'lost');
  await engine.readable();
  store.held = true;
  at(60_000);
  fleet.lease(session, 1);
  t.equal(grants(), 1);
  t.equal(host('slow').state, 'ready');
  at(11_000 + biteMs + 1000);
  await becomes('slow', 'is lost again', ({ state }) => state === 'lost');
  t.equal(host('slow').stopProof, undefined, 'that lease ended just now');
  store.held = false;
  store.release();
  await engine.readable();
  at(11_000 + 2 * biteMs + 1000);
  await becomes('slow', 'has stopped', ({ stopProof }) => stopProof !== undefined);
});

test('a planned stop grants nothing to a host whose VMs it has let go', async (t) => {
  const { store, world, engine, fleet, grants, hello, at, becomes } = await fleetOf(t, ['frozen'], []);
  const session = hello('frozen');
  await engine.readable();
  fleet.lease(session, 1);
  t.equal(grants(), 1);
  at(11_000);
  await becomes('frozen', 'is lost', ({ state }) => state === 'lost');
  await engine.readable();
  store.held = true;
  world.run({ type: 'host.stop_proven', id: 'frozen' });
  fleet.stop();
  t.equal(grants(), 1);
  store.held = false;
  store.release();
});

test('a host that fell silent in quarantine is lost when that is ended and nobody hears of it', async (t) => {
  const { world, engine, hello, at, becomes } = await fleetOf(t, ['copied', 'other'], []);
  for (const id of ['copied', 'other']) hello(id);
  world.run({ type: 'host.quarantine', id: 'copied', reason: 'a test' });
  await engine.readable();
  at(11_000);
  await becomes('other', 'is lost', ({ state }) => state === 'lost');
  world.run({ type: 'host.release', id: 'copied' });
  await engine.readable();
  at(22_000);
  await becomes('copied', 'is lost', ({ state }) => state === 'lost');
});

test('a host that came and went while its site was in recovery is lost when that is ended', async (t) => {
  const { world, engine, fleet, host, hello, at, becomes } = await fleetOf(t, ['brief', 'other'], []);
  for (const id of ['brief', 'other']) hello(id);
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  at(11_000);
  await becomes('brief', 'is lost', ({ state }) => state === 'lost');
  fleet.gone(hello('brief'), 'the wire broke');
  t.equal(host('brief').state, 'suspect');
  world.run({ type: 'recovery.end', site: 'zagreb', force: true });
  await engine.readable();
  at(22_000);
  await becomes('brief', 'is lost again', ({ state }) => state === 'lost');
});
