/**
 * The agent as it is shipped: a process of its own, a real socket to a scheduler that the test plays, and a fake
 * host that outlives the process. It is killed at random moments, and must come to the same end every time.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SavedHost } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import { nativeStatus } from '../../native/index.js';
import { AgentProcess } from './agent-process.js';
import { SchedulerDouble, word } from './scheduler-double.js';
import { until } from './until.js';
import { uidOf } from './world.js';

async function setUp(t: Test, settings: Record<string, unknown> = {}) {
  const scheduler = new SchedulerDouble();
  await scheduler.listen();
  const agent = new AgentProcess({
    scheduler: scheduler.address,
    checkpointKey: scheduler.checkpointKey.toString('base64'),
    ...settings,
  });
  const bytes = Buffer.from('an image of no guest at all');
  writeFileSync(join(agent.imageFolder, 'tiny.raw'), bytes);
  const image = {
    name: 'images/tiny',
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    format: 'IMAGE_FORMAT_RAW' as const,
    sizeBytes: bytes.length,
    virtualSizeMib: 1,
    source: `file://${join(agent.imageFolder, 'tiny.raw')}`,
  };
  t.teardown(async () => {
    await agent.dispose();
    scheduler.close();
  });
  return { scheduler, agent, image };
}

t.test('hello, lease, a VM, goodbye, and back with what it knows', async (t) => {
  const { scheduler, agent, image } = await setUp(t);
  const uid = uidOf(1);
  agent.start();
  await until('hello', () => scheduler.hellos[0]);
  const [hello] = scheduler.hellos;
  t.match(hello, { host: 'hosts/h1', protocolVersion: 2, epoch: null, checkpoint: null });
  t.match(hello?.bootId, /^[0-9a-f-]{36}$/);
  t.equal(hello?.inventory?.total?.vcpus, 16, 'what the hypervisor says');

  scheduler.want(word(uid, { image }));
  // Seen running comes first, and that the generation is reached once the domain's metadata say so.
  await until('running', () => {
    const newest = scheduler.newest(uid);
    return newest?.state === 'DOMAIN_STATE_RUNNING' && newest.generation === 1;
  });
  t.match(scheduler.newest(uid), { generation: 1, term: 1, error: null });
  await until('leases', () => scheduler.leaseRequests >= 3);

  agent.signal('SIGTERM');
  t.equal(await agent.exited(), 0);
  t.equal(scheduler.goodbyes.length, 1);
  const state = readFileSync(join(agent.folder, 'data', 'agent-state.json'), 'utf8');
  t.match(state, /"sequence":\d+/, 'the checkpoint is kept when it leaves');

  agent.start();
  await until('second hello', () => scheduler.hellos[1]);
  t.match(scheduler.hellos[1], { epoch: { incarnation: 1, counter: 1, instance: scheduler.instance } });
  t.ok((scheduler.hellos[1]?.checkpoint?.sequence ?? 0) >= 3);
  t.match(scheduler.hellos[1]?.observations, [{ uid, state: 'DOMAIN_STATE_RUNNING', generation: 1 }]);
  t.equal(agent.log.filter(({ event }) => event === 'domain.start').length, 1, 'started once in both lives');
});

t.test('a VM that is resized while it runs: what it has is told, and both sizes are claimed', async (t) => {
  const { scheduler, agent, image } = await setUp(t);
  const uid = uidOf(3);
  agent.start();
  await until('hello', () => scheduler.linked);
  scheduler.want(word(uid, { image }));
  await until('running', () => scheduler.newest(uid)?.generation === 1);
  t.match(scheduler.newest(uid), { size: { vcpus: 1, memoryMib: 128, diskMib: 64 }, toldGeneration: 1 });
  const spec = { vcpus: 2, memoryMib: 64, diskMib: 128, image: 'images/tiny', storagePool: '' };
  scheduler.want(word(uid, { image, generation: 2, spec }));
  await until('resized', () => scheduler.newest(uid)?.generation === 2);
  t.match(scheduler.newest(uid), {
    state: 'DOMAIN_STATE_RUNNING',
    size: { vcpus: 2, memoryMib: 128, diskMib: 128 },
    toldGeneration: 2,
    error: null,
  });
  const status = agent.status('--json').stdout;
  t.match(JSON.parse(status), { capacity: { claimed: { vcpus: 2, memoryMib: 128, diskMib: 128 } } });
});

t.test('killed at random moments while VMs are made: each is defined and started as it should', async (t) => {
  const { scheduler, agent, image } = await setUp(t);
  const uids = Array.from({ length: 12 }, (_, number) => uidOf(100 + number));
  agent.start();
  await until('hello', () => scheduler.linked);
  for (const [index, uid] of uids.entries()) {
    scheduler.want(word(uid, { image }));
    if (index % 2 === 0) {
      // At another place of the making each time: after so many lines of its log.
      const lines = agent.log.length + 1 + ((index * 7) % 5);
      await until('some progress', () => agent.log.length >= lines || !agent.running);
      await agent.kill();
      agent.start();
    }
  }
  await until(
    'all running',
    () => uids.every((uid) => scheduler.newest(uid)?.state === 'DOMAIN_STATE_RUNNING'),
    30_000,
  );
  const hostFile = join(agent.folder, 'host', 'fake-host.json');
  const readHost = () => JSON.parse(readFileSync(hostFile, 'utf8')) as SavedHost;
  const { calls } = readHost();
  for (const uid of uids) {
    t.equal(calls.filter((call) => call === `start ${uid}`).length, 1, 'started once');
    t.equal(calls.filter((call) => call === `createVolume ${uid}`).length, 1, 'one volume');
    t.ok(calls.filter((call) => call === `define ${uid}`).length <= 2);
    const attempts = agent.log.filter((line) => line.event === 'domain.define' && line.uid === uid);
    t.ok(attempts.length >= 1, 'attempts are in the log');
  }

  for (const uid of uids) {
    scheduler.want(word(uid, { image, role: 'VM_ROLE_DELETED', generation: 2, spec: null }));
  }
  await agent.kill();
  agent.start();
  await until(
    'all gone',
    () => uids.every((uid) => scheduler.newest(uid)?.state === 'DOMAIN_STATE_ABSENT'),
    30_000,
  );
  t.same(readHost().domains, []);
  t.same(readHost().volumes, []);
});

t.test('without a scheduler it goes on by what it was told last', async (t) => {
  const { scheduler, agent, image } = await setUp(t);
  const uid = uidOf(1);
  agent.start();
  await until('hello', () => scheduler.linked);
  scheduler.want(word(uid, { image }));
  await until('running', () => scheduler.newest(uid)?.state === 'DOMAIN_STATE_RUNNING');
  await agent.kill();
  scheduler.close();
  const file = join(agent.folder, 'host', 'fake-host.json');
  const host = JSON.parse(readFileSync(file, 'utf8'));
  host.domains[0].power = { kind: 'off', reason: 'unknown' };
  writeFileSync(file, JSON.stringify(host));
  agent.start();
  await until(
    'started again',
    () => JSON.parse(readFileSync(file, 'utf8')).domains[0].power.kind === 'running',
  );
  t.match(agent.status('--json').stdout, /"state":"running"/);
});

t.test('E1: an older epoch and a copied database are not obeyed', async (t) => {
  const { scheduler, agent, image } = await setUp(t);
  scheduler.epoch = { ...scheduler.epoch, counter: 5 };
  agent.start();
  await until('hello', () => scheduler.linked);
  scheduler.want(word(uidOf(1), { image }));
  await until('running', () => scheduler.newest(uidOf(1)));

  for (const epoch of [
    { ...scheduler.epoch, counter: 4 },
    { ...scheduler.epoch, instance: 'another' },
  ]) {
    scheduler.say({ desired: { ...word(uidOf(2), { image }), epoch } });
    scheduler.say({ desired: { ...word(uidOf(3), { image, generation: 0 }), epoch: scheduler.epoch } });
    await until('the next word is heard', () => scheduler.newest(uidOf(3)));
    t.equal(scheduler.newest(uidOf(2)), undefined);
  }
  t.match(scheduler.newest(uidOf(3)), { state: 'DOMAIN_STATE_REFUSED', error: { code: 3 } });

  const kept = scheduler.epoch;
  scheduler.epoch = { ...kept, counter: 4 };
  const hellos = scheduler.hellos.length;
  const leases = scheduler.leaseRequests;
  scheduler.hangUp();
  await until('it comes back and leaves again', () => scheduler.hellos.length >= hellos + 2);
  t.equal(scheduler.leaseRequests, leases, 'and asks no lease of an older scheduler');
  scheduler.epoch = { ...kept, counter: 6 };
  await until('a newer one is obeyed', () => scheduler.leaseRequests > leases);
});

t.test('E2: a checkpoint that the federation did not sign is not kept', async (t) => {
  const { scheduler, agent } = await setUp(t);
  agent.configure({ checkpointKey: new SchedulerDouble().checkpointKey.toString('base64') });
  agent.start();
  await until('leases', () => scheduler.leaseRequests >= 2);
  agent.signal('SIGTERM');
  await agent.exited();
  agent.start();
  await until('second hello', () => scheduler.hellos[1]);
  t.equal(scheduler.hellos[1]?.checkpoint, null);
  t.match(agent.status('--json').stdout, /not signed by the federation/);
});

t.test('a rejection that makes no sense to retry leaves the guests alone and is shown', async (t) => {
  const { scheduler, agent } = await setUp(t);
  scheduler.rejection = { reason: 'HOST_RETIRED', message: 'this host was retired', retryable: false };
  agent.start();
  const status = await until('rejected', () => {
    const answer = agent.status('--json');
    return answer.stdout.includes('HOST_RETIRED') && answer;
  });
  t.equal(status.code, 1);
  t.equal(scheduler.hellos.length, 1, 'not tried again soon');
});

t.test('two agents cannot share a data folder, not even while the first is frozen', async (t) => {
  const { scheduler, agent } = await setUp(t);
  agent.start();
  await until('hello', () => scheduler.linked);
  agent.signal('SIGSTOP');
  const second = new AgentProcess({ scheduler: scheduler.address, dataDir: join(agent.folder, 'data') });
  t.teardown(() => second.dispose());
  second.start();
  t.equal(await second.exited(), 1);
  t.match(second.stderr, /another secovia-agent is using/);
  const third = new AgentProcess({ scheduler: scheduler.address, runDir: join(agent.folder, 'run') });
  t.teardown(() => third.dispose());
  third.start();
  t.equal(await third.exited(), 1);
  t.match(third.stderr, /another secovia-agent is listening/);
});

t.test('a damaged state file stops the agent with one sentence', async (t) => {
  const { scheduler, agent } = await setUp(t);
  agent.start();
  await until('hello', () => scheduler.linked);
  await agent.kill();
  const file = join(agent.folder, 'data', 'agent-state.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"permits"', '"permitz"'));
  agent.stderr = '';
  agent.start();
  t.equal(await agent.exited(), 1);
  t.match(agent.stderr, /is damaged .* restore it from a backup/);
  t.equal(agent.stderr.trim().split('\n').length, 1);
});

const native = nativeStatus();

t.test("with libvirt's test driver", { skip: native.available ? false : native.reason }, async (t) => {
  const { scheduler, agent, image } = await setUp(t, { libvirtUri: 'test:///default' });
  const uids = Array.from({ length: 10 }, (_, number) => uidOf(number + 1));
  agent.start();
  await until('hello', () => scheduler.linked);
  t.match(
    scheduler.hellos[0]?.report,
    { libvirtAvailable: true, foreignDomains: 1 },
    'its own domain is foreign',
  );
  const states = (state: string) =>
    uids.every((uid) => scheduler.newest(uid)?.state === `DOMAIN_STATE_${state}`);
  for (const uid of uids) scheduler.want(word(uid, { image }));
  await until('running', () => states('RUNNING'));
  for (const uid of uids) scheduler.want(word(uid, { image, generation: 2, role: 'VM_ROLE_STOPPED' }));
  await until('stopped', () => states('STOPPED'));
  for (const uid of uids) scheduler.want(word(uid, { image, generation: 3, rebootCount: 1 }));
  await until('running again', () => states('RUNNING') && scheduler.newest(uids[0] ?? '')?.generation === 3);
  for (const uid of uids) scheduler.want(word(uid, { image, generation: 4, role: 'VM_ROLE_DELETED' }));
  await until('gone', () => states('ABSENT'));
  for (const uid of uids) {
    const starts = agent.log.filter((line) => line.event === 'domain.start' && line.uid === uid);
    t.equal(starts.length, 2);
  }
});
