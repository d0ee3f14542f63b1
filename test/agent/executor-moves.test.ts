/** What a host's own settings keep its agent from, whatever the scheduler says, and how a hand-over is called off. */
import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Effect } from '../../agent/converge/effects.js';
import { Executor, type ExecutorParts } from '../../agent/executor.js';
import { FakeHypervisor } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import { FakeNetwork } from '../../agent/hypervisor/fake/fake-network.js';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const uid = uidOf(1);
const volume = { uid, poolPath: '/pools/a' };
const uri = 'qemu+tls://h1.dc/system';
const peerUri = 'qemu+tls://h2.dc/system';
const migrate: Effect = { kind: 'migrate', uid, peer: 'hosts/h2', peerUri };
const never = new AbortController().signal;

/** A VM that runs on a host with such settings, and another host. */
async function setUp(t: Test, migration: ExecutorParts['migration']) {
  const network = new FakeNetwork();
  const [hypervisor, other] = [new FakeHypervisor(), new FakeHypervisor()];
  network.join(uri, hypervisor.host);
  network.join(peerUri, other.host);
  for (const each of [hypervisor, other]) {
    each.host.createVolume({ ...volume, sizeMib: 64, backing: { path: '/image', format: 'qcow2' } });
    each.open(() => undefined);
    await until('available', () => each.availability().available);
    t.teardown(() => each.close());
  }
  const metadata = { uid, term: 1, generation: 1, specHash: '', rebootCount: 0 };
  hypervisor.host.define({ ...volume, name: 'a', title: '', vcpus: 1, memoryMib: 64, metadata });
  hypervisor.host.start(uid);
  const log = pino({ level: 'silent' });
  // Neither is used here.
  const absent = {} as Pick<ExecutorParts, 'images' | 'writer' | 'trash'>;
  return {
    executor: new Executor({ ...absent, pools: new PoolLanes(), hypervisor, log, migration }),
    hypervisor,
    other,
  };
}

t.test(
  'a host without an address of its own takes no running VM, and says which setting it lacks',
  async (t) => {
    const { executor } = await setUp(t, { uri: '', peers: [] });
    t.match(await executor.run({ kind: 'expect', volume }, () => undefined, never), {
      ok: false,
      fault: { kind: 'denied', message: /migration\.uri/ },
    });
    const { executor: open } = await setUp(t, { uri, peers: [] });
    t.same(await open.run({ kind: 'expect', volume }, () => undefined, never), { ok: true, value: true });
  },
);

t.test('nothing is handed to a host that the settings do not name', async (t) => {
  for (const peers of [[], ['qemu+tls://h3.dc/system'], ['qemu+tcp://*.dc/system']]) {
    const { executor, hypervisor } = await setUp(t, { uri, peers });
    t.match(await executor.run(migrate, () => undefined, never), {
      ok: false,
      fault: { kind: 'denied', message: /^migration\.peers .* does not name qemu\+tls:\/\/h2\.dc/ },
    });
    t.notOk(
      hypervisor.host.calls.some(({ call }) => call === 'migrate'),
      'it was not even tried',
    );
  }
});

t.test('people see how far it is, and it ends where it went', async (t) => {
  const { executor, hypervisor, other } = await setUp(t, { uri, peers: ['qemu+tls://*.dc/system'] });
  const seen: string[] = [];
  const result = await executor.run(migrate, (text) => seen.push(text), never);
  t.same(result, { ok: true, value: null });
  t.match(seen[0], /^moving to h2, \d+ %$/);
  t.equal(hypervisor.host.inspect(uid), null);
  t.match(other.host.inspect(uid), { power: { kind: 'running' } });
});

t.test('what is called off has ended when that is said, and is here as it was', async (t) => {
  const { executor, hypervisor, other } = await setUp(t, { uri, peers: [peerUri] });
  hypervisor.host.slowMoves = true;
  const control = new AbortController();
  const running = executor.run(migrate, () => undefined, control.signal);
  await until('it is under way', () => hypervisor.host.leaving(uid) !== null);
  control.abort();
  t.match(await running, { ok: false, fault: { kind: 'cancelled' } });
  t.match(hypervisor.host.inspect(uid), { power: { kind: 'running' } });
  t.equal(other.host.inspect(uid), null);
  t.match(await executor.run(migrate, () => undefined, control.signal), {
    fault: { kind: 'cancelled' },
  });
});

t.test('an answer that is lost is not called a failure of the move', async (t) => {
  const { executor, hypervisor } = await setUp(t, { uri, peers: [peerUri] });
  hypervisor.host.slowMoves = true;
  const running = executor.run(migrate, () => undefined, never);
  await until('it is under way', () => hypervisor.host.leaving(uid) !== null);
  hypervisor.setAvailable(false);
  hypervisor.host.endMove(uid, 'arrived');
  t.match(await running, { ok: false, fault: { kind: 'unavailable' } });
});
