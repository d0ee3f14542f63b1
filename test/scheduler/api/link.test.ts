import { createPublicKey, verify } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Rejected__Output } from '../../../proto/gen/secovia/v1/Rejected.js';
import { eventually } from '../within.js';
import { inventory, machineIdOf, report, ScriptedAgent } from './agent.js';
import { encode } from './client.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '3000']);
const { api, scheduler } = federation;

/** The reason for which a stream is turned away. */
async function rejection(agent: ScriptedAgent): Promise<Rejected__Output> {
  const { rejected } = await agent.heard.next('Rejected', (message) => message.rejected != null);
  await agent.heard.over();
  return rejected as Rejected__Output;
}

async function rejectedHello(host: string, change: Parameters<ScriptedAgent['hello']>[0] = {}) {
  const agent = new ScriptedAgent(api, host);
  agent.hello(change);
  return rejection(agent);
}

test('a stream begins with Hello', async (t) => {
  for (const first of [
    { leaseRequest: { id: 1 } },
    { report },
    { goodbye: { reason: '' } },
    {},
    { hello: { host: 'a' } },
    { hello: {} },
  ]) {
    const agent = new ScriptedAgent(api, 'a');
    agent.send(first);
    t.match(await agent.heard.over(), { code: status.INVALID_ARGUMENT }, JSON.stringify(first));
  }
});

test('a host is welcomed with the epoch, its intervals and a signed checkpoint', async (t) => {
  await federation.join('welcome');
  const { checkpointKey } = await api.call('Join', {
    hostId: 'welcome',
    site: 'sites/zagreb',
    machineId: machineIdOf('welcome'),
  });
  const agent = new ScriptedAgent(api, 'welcome');
  agent.hello();
  const { welcome } = await agent.heard.next('Welcome', () => true);
  const { epoch } = (await api.call('GetFederation', {})).federation ?? {};
  t.match(welcome, {
    leaseMs: 3000,
    leaseIntervalMs: 1000,
    reportIntervalMs: 30_000,
    protocolVersion: 2,
    epoch,
  });
  const { incarnation, sequence, hash, signature } = welcome?.checkpoint ?? {};
  const text = `secovia-checkpoint-v1\n${incarnation}\n${sequence}\n${Buffer.from(hash ?? []).toString('hex')}\n`;
  const key = createPublicKey({ key: Buffer.from(checkpointKey), format: 'der', type: 'spki' });
  t.ok(verify(null, Buffer.from(text), key, Buffer.from(signature ?? [])));
  t.equal(await federation.hostState('welcome'), 'HOST_STATE_READY');
  await agent.synced();
  agent.close();
  t.match(await agent.heard.over(), { code: status.OK });
});

test('a host that is unknown, another machine, or retired is turned away for good', async (t) => {
  t.match(await rejectedHello('nobody'), { reason: 'HOST_NOT_FOUND', retryable: false });
  await federation.join('turned-away');
  t.match(await rejectedHello('turned-away', { machineId: 'f'.repeat(32) }), {
    reason: 'OTHER_MACHINE',
    retryable: false,
  });
  t.equal(await federation.hostState('turned-away'), 'HOST_STATE_JOINED');
  await api.call('RetireHost', { name: 'hosts/turned-away' });
  t.match(await rejectedHello('turned-away'), { reason: 'HOST_RETIRED', retryable: false });
});

test('versions one below and one above are welcome, others are not', async (t) => {
  await federation.join('versions');
  for (const protocolVersion of [1, 2, 3]) {
    const agent = await ScriptedAgent.connect(api, 'versions', { protocolVersion });
    agent.close();
    t.match(await agent.heard.over(), { code: status.OK });
  }
  for (const protocolVersion of [-1, 0, 4, 2 ** 31 - 1]) {
    t.match(await rejectedHello('versions', { protocolVersion }), { reason: 'VERSION', retryable: false });
  }
});

test('a Hello that makes no sense is turned away with what is wrong in it', async (t) => {
  await federation.join('senseless');
  const invalid = { reason: 'INVALID_HELLO', retryable: false };
  t.match(await rejectedHello('senseless', { inventory: null }), { ...invalid, message: /inventory/ });
  for (const bootId of ['', 'x'.repeat(100_000), 'a b', '\n']) {
    t.match(await rejectedHello('senseless', { bootId }), { ...invalid, message: /boot_id/ });
  }
  const huge = {
    ...inventory(),
    cpuFeatures: Array.from({ length: 100_000 }, (_, index) => `feature-${index}`),
  };
  t.match(await rejectedHello('senseless', { inventory: huge }), { ...invalid, message: /inventory/ });
  t.equal(await federation.hostState('senseless'), 'HOST_STATE_JOINED');
});

test('a second stream of the same boot replaces the first', async (t) => {
  const first = await federation.host('twice');
  const second = await ScriptedAgent.connect(api, 'twice');
  t.match(await rejection(first), { reason: 'REPLACED', retryable: true });
  first.askLease(9);
  await second.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 1);
  t.equal(
    await federation.hostState('twice'),
    'HOST_STATE_READY',
    'the end of the first is not the end of the host',
  );
  second.close();
  await federation.hostBecomes('twice', 'HOST_STATE_SUSPECT');
});

test('an old boot that speaks after a newer one quarantines both, which keep their leases', async (t) => {
  const newer = await federation.host('cloned', { bootId: 'boot-1' });
  newer.close();
  const current = await ScriptedAgent.connect(api, 'cloned', { bootId: 'boot-2' });
  t.match(await rejectedHello('cloned', { bootId: 'boot-1' }), { reason: 'CLONE', retryable: false });
  t.equal(await federation.hostState('cloned'), 'HOST_STATE_QUARANTINED');
  current.askLease(7);
  await current.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 7);
  t.match(await api.fails('CreateVm', newVm('vm')), { reason: 'NO_HOST' });
  current.close();
  await api.call('RetireHost', { name: 'hosts/cloned' });
});

test('a host that falls silent is suspect at once, lost when its lease ends, and ready when it is back', async (t) => {
  const agent = await federation.host('silent');
  agent.cut();
  await federation.hostBecomes('silent', 'HOST_STATE_SUSPECT');
  await federation.hostBecomes('silent', 'HOST_STATE_LOST');
  const again = await ScriptedAgent.connect(api, 'silent');
  t.equal(await federation.hostState('silent'), 'HOST_STATE_READY');
  again.close();
});

test('a host that stays connected without asking for leases is lost, and ready with the next lease', async (t) => {
  const agent = await federation.host('frozen');
  await federation.hostBecomes('frozen', 'HOST_STATE_LOST');
  agent.askLease(2);
  await agent.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 2);
  await federation.hostBecomes('frozen', 'HOST_STATE_READY');
  await federation.hostBecomes('frozen', 'HOST_STATE_LOST');
  t.notOk(agent.heard.ended, 'its stream was open all the time');
  agent.close();
});

test('a host that never asks for a lease does not stay ready, and reports do not stand in for one', async (t) => {
  await federation.join('leaseless');
  const agent = new ScriptedAgent(api, 'leaseless');
  agent.hello();
  await agent.synced();
  t.equal(await federation.hostState('leaseless'), 'HOST_STATE_READY');
  await federation.hostBecomes('leaseless', 'HOST_STATE_LOST');
  agent.send({ report: { ...report, foreignDomains: 1 } });
  const states = new Set<string>();
  await eventually(
    'the report is heard, and the host lost again',
    async () => {
      const { host } = await api.call('GetHost', { name: 'hosts/leaseless' });
      states.add(host?.state ?? '');
      return host;
    },
    (host) => host?.foreignDomains === 1 && host.state === 'HOST_STATE_LOST',
  );
  t.notMatch([...states], ['HOST_STATE_SUSPECT']);
  agent.close();
});

test('libvirt that does not answer makes a host suspect for as long as that lasts', async (t) => {
  const agent = await federation.host('hung');
  const release = agent.keepLease();
  agent.send({ report: { libvirtAvailable: false, libvirtError: 'it hangs' } });
  await federation.hostBecomes('hung', 'HOST_STATE_SUSPECT');
  const { host } = await api.call('GetHost', { name: 'hosts/hung' });
  t.match(host?.stateReason, /it hangs/);
  agent.send({ report });
  await federation.hostBecomes('hung', 'HOST_STATE_READY');
  release();
  agent.send({ goodbye: { reason: 'upgrade' } });
  await federation.hostBecomes('hung', 'HOST_STATE_SUSPECT');
  t.match(await agent.heard.over(), { code: status.OK });
});

test('an agent is told each VM once a generation, all of them again after a reconnect, and when that is done', async (t) => {
  const agent = await federation.host('told');
  const release = agent.keepLease();
  await agent.synced();
  const one = await federation.vm('one', { labels: { a: 'b' } });
  const desired = await agent.desired('the VM');
  t.match(desired, {
    uid: one.uid,
    role: 'VM_ROLE_RUN',
    generation: 1,
    term: 1,
    spec: { vcpus: 1, memoryMib: 128, diskMib: 200, image: 'images/tiny' },
    policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED' },
    image: { name: 'images/tiny', virtualSizeMib: 100 },
    rebootCount: 0,
    stopGraceSeconds: 60,
    vmName: `${adm}/vms/one`,
    epoch: { incarnation: 1, counter: 1 },
  });
  agent.answer(desired);
  await federation.becomes(one.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  const two = await federation.vm('two');
  t.equal((await agent.desired('the second VM')).uid, two.uid, 'the first is not told again');
  await api.call('UpdateVm', { vm: { name: one.name, title: 'new' } });
  await api.call('StopVm', { name: one.name, mode: 'STOP_MODE_FORCE' });
  t.match(await agent.desired('the stop'), {
    uid: one.uid,
    role: 'VM_ROLE_STOPPED',
    generation: 2,
    stopMode: 'STOP_MODE_FORCE',
  });
  agent.cut();
  release();
  const again = await ScriptedAgent.connect(api, 'told', {
    observations: [{ uid: one.uid, term: 1, generation: 2, state: 'DOMAIN_STATE_STOPPED' }],
  });
  const releaseAgain = again.keepLease();
  await again.synced();
  const told = again.heard.all.flatMap((message) => (message.desired ? [message.desired] : []));
  t.same(
    told.map(({ uid, generation }) => [uid, generation]).sort(),
    [
      [one.uid, 2],
      [two.uid, 1],
    ].sort(),
  );
  t.match(await federation.get(one.name), {
    state: 'VM_STATE_STOPPED',
    observedGeneration: 2,
    operation: '',
  });
  for (const vm of [one, two]) {
    await api.call('DeleteVm', { name: vm.name });
    again.answer(
      await again.desired('the deletion', ({ uid, role }) => uid === vm.uid && role === 'VM_ROLE_DELETED'),
    );
  }
  await eventually(
    'both are gone',
    async () => (await api.call('ListVms', {})).vms.length,
    (left) => left === 0,
  );
  releaseAgain();
  again.close();
  await federation.hostBecomes('told', 'HOST_STATE_SUSPECT');
});

test('what is welcomed is always heard first, whatever changes meanwhile', async (t) => {
  const agent = await federation.host('order');
  const { name } = await federation.vm('changing');
  for (let round = 0; round < 20; round += 1) {
    agent.close();
    const again = new ScriptedAgent(api, 'order');
    again.hello();
    const stop = api.call(round % 2 === 0 ? 'StopVm' : 'StartVm', { name });
    await again.synced();
    t.equal(again.heard.all[0]?.message, 'welcome');
    await stop;
    again.close();
  }
  await api.call('RetireHost', { name: 'hosts/order' }).catch(() => {});
  const last = await ScriptedAgent.connect(api, 'order', { obeys: true });
  const release = last.keepLease();
  await api.call('DeleteVm', { name });
  await eventually(
    'it is gone',
    async () => (await api.call('ListVms', {})).vms.length,
    (left) => left === 0,
  );
  release();
  last.close();
  await federation.hostBecomes('order', 'HOST_STATE_SUSPECT');
});

test('observations of VMs that are not known, or in states that are not known, are passed over', async (t) => {
  const agent = await federation.host('orphans');
  const release = agent.keepLease();
  // Whose leases end meanwhile would be written down.
  for (const host of ['told', 'order']) await federation.hostBecomes(host, 'HOST_STATE_LOST');
  await agent.heard.next('a lease', ({ leaseGrant }) => leaseGrant != null);
  const before = await api.sequence();
  const unknown = { uid: '11111111-1111-4111-8111-111111111111', term: 1, generation: 1 };
  agent.observe({ ...unknown, state: 'DOMAIN_STATE_RUNNING' });
  agent.observe({ ...unknown, state: 'DOMAIN_STATE_UNSPECIFIED' });
  agent.observe({ ...unknown, state: 99 as unknown as 'DOMAIN_STATE_RUNNING' });
  agent.observe({});
  agent.send({});
  agent.askLease(1000);
  await agent.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 1000);
  t.equal(await api.sequence(), before);
  release();
  agent.close();
  await federation.hostBecomes('orphans', 'HOST_STATE_SUSPECT');
});

test('a VM that one host refuses is desired of another under the next term, and the first hears no more of it', async (t) => {
  const agents = [await federation.host('refuser-1'), await federation.host('refuser-2')] as const;
  const releases = agents.map((agent) => agent.keepLease());
  const vm = await federation.vm('refused');
  const [first, second] = vm.host === 'hosts/refuser-1' ? agents : [agents[1], agents[0]];
  const error = { code: status.RESOURCE_EXHAUSTED, message: 'no space', details: [] };
  first.answer(await first.desired('the VM'), { state: 'DOMAIN_STATE_REFUSED', error });
  const desired = await second.desired('the VM');
  t.match(desired, { uid: vm.uid, term: 2, role: 'VM_ROLE_RUN' });
  second.answer(desired);
  await federation.becomes(
    vm.name,
    'runs',
    ({ state, host }) => state === 'VM_STATE_RUNNING' && host !== vm.host,
  );
  first.observe({ uid: vm.uid, term: 1, generation: 1, state: 'DOMAIN_STATE_RUNNING' });
  first.askLease(1000);
  await first.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 1000);
  t.equal(first.heard.all.filter(({ desired: told }) => told != null).length, 1);
  await api.call('DeleteVm', { name: vm.name });
  second.answer(await second.desired('the deletion'));
  await eventually(
    'it is gone',
    async () => (await api.call('ListVms', {})).vms.length,
    (left) => left === 0,
  );
  for (const release of releases) release();
  for (const agent of agents) agent.close();
});

test('an agent that sends nonsense ends its own stream and nothing else', async (t) => {
  const details = [
    { type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from([255, 255, 255]) },
  ];
  const agent = await federation.host('nonsense');
  const release = agent.keepLease();
  const vm = await federation.vm('vm');
  agent.answer(await agent.desired('the VM'), {
    state: 'DOMAIN_STATE_PREPARING',
    error: { code: 4242, message: `${'x'.repeat(499)}\u{1f600}${'y'.repeat(100_000)}`, details },
  });
  const seen = await federation.becomes(
    vm.name,
    'is prepared',
    ({ state }) => state === 'VM_STATE_PREPARING',
  );
  t.match(seen.error, { code: status.UNKNOWN, message: /^x+…$/ }, 'cut, and well-formed');
  t.ok(Buffer.byteLength(seen.error?.message ?? '') <= 510);

  const raw = api.channel.makeBidiStreamRequest(
    '/secovia.v1.AgentService/Link',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  const over = new Promise((resolve) => raw.on('status', resolve));
  raw.on('error', () => {});
  raw.on('data', () => {});
  raw.write(Buffer.from([0x0a, 0xff, 0xff, 0xff]));
  t.match(await over, { code: status.INVALID_ARGUMENT });

  agent.send({ hello: { host: 'hosts/nonsense' } });
  agent.askLease(1000);
  await agent.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 1000);
  t.equal(await federation.hostState('nonsense'), 'HOST_STATE_READY');
  await api.call('DeleteVm', { name: vm.name });
  agent.answer(await agent.desired('the deletion', ({ role }) => role === 'VM_ROLE_DELETED'));
  release();
  agent.close();
});

test('a stream that was turned away cannot go on as if it was not', async (t) => {
  await federation.join('stubborn');
  const agent = new ScriptedAgent(api, 'stubborn');
  agent.hello({ machineId: 'f'.repeat(32) });
  agent.hello();
  agent.askLease(1);
  t.match(await rejection(agent), { reason: 'OTHER_MACHINE' });
  t.equal(agent.heard.all.length, 1);
  t.equal(await federation.hostState('stubborn'), 'HOST_STATE_JOINED');
});

test('a planned stop grants long leases first, and the hosts are ready again afterwards', async (t) => {
  const agent = await federation.host('planned');
  await agent.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 1);
  t.equal(await scheduler.stop(), 0);
  await agent.heard.over();
  t.match(agent.heard.all.at(-1), { leaseGrant: { id: 1, leaseMs: 600_000 } });
  await scheduler.start();
  t.equal(await federation.hostState('planned'), 'HOST_STATE_SUSPECT');
  const { host } = await api.call('GetHost', { name: 'hosts/planned' });
  t.ok(Number(host?.leaseExpireTime?.seconds) > Date.now() / 1000 + 500, 'the longest lease is assumed');
  const again = await ScriptedAgent.connect(api, 'planned');
  t.equal(await federation.hostState('planned'), 'HOST_STATE_READY');
  const { welcome } = again.heard.all[0] ?? {};
  t.match(welcome?.epoch, { incarnation: 1, counter: 2 });
  again.askLease(2, 60_000);
  await again.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 2);
  const said = (await api.call('GetHost', { name: 'hosts/planned' })).host;
  t.ok(Number(said?.leaseExpireTime?.seconds) < Date.now() / 1000 + 100, 'until the host says what it holds');
  again.close();
});

test('the form of a Join is checked', async (t) => {
  const good = { hostId: 'joiner', site: 'sites/zagreb', machineId: machineIdOf('joiner') };
  for (const [field, value] of [
    ['hostId', 'Upper'],
    ['hostId', ''],
    ['site', 'zagreb'],
    ['site', ''],
    ['machineId', ''],
    ['machineId', machineIdOf('x').toUpperCase()],
    ['rack', 'a\nb'],
    ['rack', 'x'.repeat(64)],
  ] as const) {
    const failure = await api.fails('Join', { ...good, [field]: value });
    t.match(
      failure,
      { code: status.INVALID_ARGUMENT, reason: 'INVALID_FIELDS' },
      `${field} ${value.slice(0, 9)}`,
    );
  }
  t.ok(encode('Join', good));
});
