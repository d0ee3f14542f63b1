import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import { type Test, test } from 'tap';
import { agentService } from '../../../scheduler/api/agent-service.js';
import { Requests, requestKeptMs } from '../../../scheduler/api/requests.js';
import { authorizer } from '../../../scheduler/api/authorization.js';
import { insecureCallers } from '../../../scheduler/api/callers.js';
import { apiServer } from '../../../scheduler/api/server.js';
import { Entrance } from '../../../scheduler/api/entrance.js';
import { watchRingOf } from '../../../scheduler/api/vm-watch.js';
import { backlogLimit } from '../../../scheduler/engine.js';
import { checkpointKeyIn, Checkpoints } from '../../../scheduler/fleet/checkpoints.js';
import { Fleet } from '../../../scheduler/fleet/fleet.js';
import { StateWalks } from '../../../scheduler/state-walks.js';
import { EngineWorld } from '../engine-world.js';
import { temporaryFolder } from '../scope.js';
import { MemoryStore } from '../store/memory-store.js';
import { eventually } from '../within.js';
import { machineIdOf, ScriptedAgent } from './agent.js';
import { Api, encode } from './client.js';
import { adm, newVm, tinyImage } from './federation.js';
import { Watcher } from './watcher.js';

/** A scheduler inside this process, on a store whose commits the test holds back, with a clock that it moves. */
async function serve(t: Test) {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  await world.engine.readable();
  const logged: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => logged.push(line) });
  const checkpoints = new Checkpoints(world.engine, store, checkpointKeyIn(`${temporaryFolder(t)}/key`));
  const uptime = { ms: 1000 };
  const fleet = new Fleet({
    engine: world.engine,
    checkpoints,
    leaseMs: 600_000,
    log,
    uptimeMs: () => uptime.ms,
  });
  fleet.start();
  const { server } = apiServer({
    context: {
      engine: world.engine,
      requests: new Requests(store, []),
      entrance: new Entrance({ callsPerSecond: 1e6, uptimeMs: () => performance.now() }),
      log,
      callers: insecureCallers,
      authority: null,
      authorize: authorizer(world.engine),
      attempts: { note: () => {} },
    },
    ring: watchRingOf(world.engine),
    fleet,
    version: '0',
    startMs: 0,
    usage: { ask: async () => null },
    advertise: ['127.0.0.1:7443'],
    audit: { reader: { ask: async () => null }, key: checkpoints },
    alarms: { walks: new StateWalks(), certificates: () => [] },
    events: {
      reader: { ask: async () => null },
      follower: { ask: async () => ({ events: [], next: null }) },
    },
    agentService: agentService(fleet, checkpoints.publicKey),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const api = new Api(`127.0.0.1:${port}`);
  t.teardown(() => {
    fleet.stop();
    server.forceShutdown();
    api.close();
  });
  await api.call('CreateSite', { siteId: 'zagreb', site: { partner: 'p', country: 'HR' } });
  await api.call('CreateAdministration', { administrationId: 'adm', administration: { country: 'HR' } });
  await api.call('CreateImage', { imageId: 'tiny', image: tinyImage });
  await api.call('Join', {
    hostId: 'a',
    site: 'sites/zagreb',
    machineId: machineIdOf('a'),
  });
  const agent = await ScriptedAgent.connect(api, 'a');
  await agent.synced();
  return { store, world, api, agent, logged, uptime };
}

/** Whether an answer has come, after a call that cannot have overtaken it has gone there and back. */
class Pending {
  readonly #open = new Set<string>();
  readonly #all: Promise<unknown>[] = [];

  add(what: string, promise: Promise<unknown>): void {
    this.#open.add(what);
    this.#all.push(
      promise.then(
        () => this.#open.delete(what),
        () => this.#open.delete(what),
      ),
    );
  }

  get open(): string[] {
    return [...this.#open];
  }

  all(): Promise<unknown> {
    return Promise.all(this.#all);
  }
}

/** A round trip on the same connection: what was sent before it has been dealt with. */
async function roundTrip(api: Api): Promise<void> {
  await api.failsBytes('CreateSite', Buffer.from([0xff]));
}

test('nothing leaves before it is durable: answers, refusals, reads, waits, watches and desired sets', async (t) => {
  const { store, world, api, agent } = await serve(t);
  const { vm, operation } = await api.call('CreateVm', newVm('early'));
  const desired = await agent.desired('the first VM');
  agent.answer(desired);
  await api.call('WaitOperation', { name: operation?.name ?? '' });
  const watcher = new Watcher(api);
  await watcher.next('SYNCED');
  const heard = watcher.heard.all.length;
  const told = agent.heard.all.length;

  store.held = true;
  const requestId = randomUUID();
  const site = { partner: 'p', country: 'HR' };
  const pending = new Pending();
  pending.add('an answer', api.call('CreateSite', { siteId: 'late', site, requestId }));
  await eventually(
    'it is decided',
    () => world.state.sites.has('late'),
    (known) => known,
  );
  pending.add('the same call again', api.call('CreateSite', { siteId: 'late', site, requestId }));
  const other = { ...site, partner: 'q' };
  pending.add(
    'its id for something else',
    api.call('CreateSite', { siteId: 'late', site: other, requestId }),
  );
  pending.add('a refusal that has read it', api.call('CreateSite', { siteId: 'late', site }));
  pending.add('a read of it', api.call('GetSite', { name: 'sites/late' }));
  pending.add('a read of something else', api.call('GetSite', { name: 'sites/zagreb' }));
  pending.add('a read that finds nothing', api.call('GetSite', { name: 'sites/none' }));
  pending.add('a listing', api.call('ListSites', {}));
  pending.add('a wait for what is over', api.call('WaitOperation', { name: operation?.name ?? '' }));
  pending.add('a wait for nothing', api.call('WaitOperation', { name: 'operations/none' }));
  pending.add('a creation', api.call('CreateVm', newVm('late')));
  pending.add('a stop', api.call('StopVm', { name: vm?.name }));
  pending.add(
    'a call that changes nothing',
    api.call('UncordonSite', { name: 'sites/zagreb', requestId: randomUUID() }),
  );
  pending.add('a refusal before a signature', api.call('RenewCertificate', {}));
  pending.add('a refusal of what is read elsewhere', api.call('ListEvents', { pageToken: 'none' }));
  const late = new Watcher(api);
  const nowhere = new Watcher(api, { parent: 'administrations/none' });
  const stranger = new ScriptedAgent(api, 'stranger');
  stranger.hello();
  const replaced = agent.heard.all.length;
  const again = new ScriptedAgent(api, 'a');
  again.hello();
  await roundTrip(api);
  t.equal(pending.open.length, 15, pending.open.join(', '));
  t.equal(nowhere.heard.ended, null, 'no stream is refused');
  t.same(stranger.heard.all, [], 'no host is turned away');
  t.equal(agent.heard.all.length, replaced, 'no stream is replaced');
  t.equal(watcher.heard.all.length, heard, 'no event');
  t.equal(late.heard.all.length, 0, 'not even a first one');
  t.equal(agent.heard.all.length, told, 'and nothing is desired');
  const { federation } = await within1(api);
  t.equal(federation, null, 'nor is the state of the federation told');

  store.held = false;
  store.release();
  await pending.all();
  await watcher.next('UPDATED', `${adm}/vms/late`);
  await late.next('SYNCED');
  await again.desired('the second VM', ({ vmName }) => vmName === `${adm}/vms/late`);
  await nowhere.heard.over();
  await stranger.heard.next('a refusal', ({ rejected }) => rejected?.reason === 'HOST_NOT_FOUND');
  await agent.heard.next('a refusal', ({ rejected }) => rejected?.reason === 'REPLACED');
  t.pass('and then everything does');
  for (const one of [watcher, late]) one.cancel();
});

/** GetFederation, if it answers within a round trip. */
async function within1(api: Api) {
  let federation: object | null = null;
  api.call('GetFederation', {}).then(
    (answer) => {
      federation = answer.federation;
    },
    () => {},
  );
  await roundTrip(api);
  return { federation };
}

test('when the store fails, what waits is never answered', async (t) => {
  const { store, world, api } = await serve(t);
  store.held = true;
  const pending = new Pending();
  pending.add('an answer', api.call('CreateSite', { siteId: 'late', site: { partner: 'p', country: 'HR' } }));
  await eventually(
    'it is decided',
    () => world.state.sites.has('late'),
    (known) => known,
  );
  pending.add('a read', api.call('GetSite', { name: 'sites/late' }));
  store.fail(new Error('no space'));
  await roundTrip(api);
  await roundTrip(api);
  t.equal(pending.open.length, 2);
  t.match(world.failures, [{ message: /no space/ }], 'the process is told to end');
});

test('an answer is given again for a day, by the clock of the scheduler', async (t) => {
  const { world, api } = await serve(t);
  const bytes = encode('CordonSite', { name: 'sites/zagreb', requestId: randomUUID() });
  const answer = await api.bytes('CordonSite', bytes);
  await api.call('UncordonSite', { name: 'sites/zagreb' });
  world.nowMs += requestKeptMs;
  t.same(await api.bytes('CordonSite', bytes), answer);
  world.nowMs += 1;
  t.notSame(await api.bytes('CordonSite', bytes), answer, 'a day later it is a new call');
  t.equal((await api.call('GetSite', { name: 'sites/zagreb' })).site?.cordoned, true);
});

test('when the disk does not keep up, changes are turned away and may be tried again', async (t) => {
  const { store, world, api } = await serve(t);
  store.held = true;
  world.site('first');
  await eventually(
    'a commit is under way',
    () => store.batches.at(-1)?.journal.join('') ?? '',
    (line) => line.includes('first'),
  );
  for (let index = 0; index <= backlogLimit; index += 1) {
    world.run({ type: 'site.cordon', id: 'zagreb', cordoned: index % 2 === 0 });
  }
  t.match(await api.fails('CreateSite', { siteId: 'more', site: { partner: 'p', country: 'HR' } }), {
    code: grpc.status.UNAVAILABLE,
    reason: 'OVERLOADED',
    details: { retryDelayMs: 1000 },
  });
  store.held = false;
  store.release();
  t.ok(await api.call('CreateSite', { siteId: 'more', site: { partner: 'p', country: 'HR' } }));
});

test('a bug in a call fails that call, is logged, and tells the caller nothing of the inside', async (t) => {
  const { world, api, agent, logged } = await serve(t);
  const run = world.engine.run.bind(world.engine);
  world.engine.run = () => {
    throw new Error('the secret inside');
  };
  t.match(await api.fails('CordonSite', { name: 'sites/zagreb' }), {
    code: grpc.status.INTERNAL,
    reason: 'INTERNAL',
    message: 'an internal error; it has been logged',
  });
  agent.observe({ uid: 'x', state: 'DOMAIN_STATE_RUNNING' });
  t.match(await agent.heard.over(), { code: grpc.status.INTERNAL });
  world.engine.run = run;
  t.ok(logged.filter((line) => line.includes('the secret inside')).length >= 2);
  const again = await ScriptedAgent.connect(api, 'a');
  await again.synced();
  t.match(await api.call('CordonSite', { name: 'sites/zagreb' }), { site: { cordoned: true } });
});

test('leases are counted on a clock that nobody sets', async (t) => {
  const { world, api, uptime } = await serve(t);
  const hostState = async (name: string) =>
    (await api.call('GetHost', { name: `hosts/${name}` })).host?.state;
  const site = 'sites/zagreb';
  await api.call('Join', { hostId: 'b', site, machineId: machineIdOf('b') });
  uptime.ms += 100_000;
  const later = await ScriptedAgent.connect(api, 'b');
  await later.heard.next('a lease', ({ leaseGrant }) => leaseGrant != null);
  const realMs = world.nowMs;
  world.nowMs += 10 * 3_600_000;
  uptime.ms += 520_000;
  // The lease of the first has ended, that of the second has not, and the wall clock has nothing to say.
  await eventually(
    'the first is lost',
    () => hostState('a'),
    (state) => state === 'HOST_STATE_LOST',
  );
  t.equal(await hostState('b'), 'HOST_STATE_READY');
  world.nowMs = realMs - 10 * 3_600_000;
  uptime.ms += 100_000;
  await eventually(
    'the second is lost',
    () => hostState('b'),
    (state) => state === 'HOST_STATE_LOST',
  );
  t.pass('also when the wall clock was put back');
});
