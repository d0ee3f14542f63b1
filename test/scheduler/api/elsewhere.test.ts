/** Hosts that are lost: fenced over the wire by agents of their site, and their VMs started elsewhere, exactly once. */
import { test } from 'tap';
import type { FenceTarget } from '../../../proto/gen/secovia/v1/FenceTarget.js';
import type { Host__Output } from '../../../proto/gen/secovia/v1/Host.js';
import type { Scope } from '../scope.js';
import { eventually } from '../within.js';
import { inventory, report, type ScriptedAgent } from './agent.js';
import { Federation } from './federation.js';

const guid = 'c0ffee'.padEnd(32, '0');
const restart = { policy: { onHostLoss: 'HOST_LOSS_POLICY_RESTART', rebuildable: true } } as const;

class Site {
  private constructor(
    readonly t: Scope,
    readonly federation: Federation,
  ) {}

  static async start(t: Scope): Promise<Site> {
    return new Site(t, await Federation.start(t, ['--lease-ms', '2500']));
  }

  /** A host whose agent keeps its lease until its stream ends; it says that it can power these off. */
  async host(name: string, targets: Partial<FenceTarget>[] = [], options = {}): Promise<ScriptedAgent> {
    const fenceTargets = targets.map((target) => ({
      methods: ['fence_test'],
      controllerGuid: guid,
      ...target,
    }));
    const agent = await this.federation.host(name, { ...helloOf(fenceTargets), ...options });
    return this.#kept(agent);
  }

  async back(name: string, targets: Partial<FenceTarget>[] = [], options = {}): Promise<ScriptedAgent> {
    const fenceTargets = targets.map((target) => ({
      methods: ['fence_test'],
      controllerGuid: guid,
      ...target,
    }));
    return this.#kept(await this.federation.reconnect(name, { ...helloOf(fenceTargets), ...options }));
  }

  #kept(agent: ScriptedAgent): ScriptedAgent {
    this.t.teardown(agent.keepLease());
    return agent;
  }

  /** A VM that runs on this host, and would restart elsewhere. */
  async running(vmId: string, agent: ScriptedAgent, change: object = {}): Promise<string> {
    const { name } = await this.federation.vm(vmId, { ...restart, ...change });
    agent.answer(await agent.desired(vmId, ({ vmName }) => vmName === name));
    await this.federation.becomes(name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
    return name;
  }

  async read(host: string): Promise<Host__Output> {
    return (await this.federation.api.call('GetHost', { name: `hosts/${host}` })).host as Host__Output;
  }

  hostIs(host: string, what: string, satisfies: (host: Host__Output) => boolean): Promise<Host__Output> {
    return eventually(`host ${host} ${what}`, () => this.read(host), satisfies);
  }
}

const helloOf = (fenceTargets: FenceTarget[]) => ({
  inventory: { ...inventory(), controllerGuid: guid },
  report: { ...report, fenceTargets },
});

async function ordered(agent: ScriptedAgent) {
  const { fenceOrder } = await agent.heard.next('a fence order', (message) => message.fenceOrder != null);
  return fenceOrder ?? { id: '', host: '', epoch: null, controllerGuid: '' };
}

test('a lost host is powered off by another agent, and then its VM starts there, under a new term', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  const vm = await site.running('vm', lost);
  const other = await site.host('other', [{ host: 'hosts/lost' }]);
  lost.cut();
  const order = await ordered(other);
  t.match(order, { host: 'hosts/lost', controllerGuid: guid, epoch: { incarnation: 1 } });
  t.match(await site.read('lost'), { state: 'HOST_STATE_LOST', waitingVms: 1, fence: { attempts: 1 } });
  t.match(await site.federation.get(vm), { error: { message: /nothing proves yet that it is off/ } });
  t.notOk(
    other.heard.all.some(({ desired }) => desired != null),
    'nothing is started before the proof',
  );
  other.send({ fenceResult: { id: order.id, outcome: 'FENCE_OUTCOME_OFF', method: 'fence_test' } });
  const desired = await other.desired('the VM');
  t.match(desired, { role: 'VM_ROLE_RUN', term: 2, diskExists: false });
  other.answer(desired);
  const moved = await site.federation.becomes(vm, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  t.match(moved, { host: 'hosts/other', term: 2, error: null });
  t.match(await site.read('lost'), { state: 'HOST_STATE_FENCED', waitingVms: 0, leftoverVms: 1 });

  const back = await site.back('lost', [], { bootId: 'boot-2' });
  const released = await back.desired('what is left');
  t.match(released, { uid: desired.uid, role: 'VM_ROLE_DELETED', term: 2 }, 'its disk was on the host alone');
  back.answer(released);
  await site.hostIs('lost', 'has nothing left', ({ leftoverVms }) => leftoverVms === 0);
  t.match(await site.read('lost'), { state: 'HOST_STATE_READY', fence: null });
  t.match(await site.federation.get(vm), { host: 'hosts/other', state: 'VM_STATE_RUNNING' });
});

test('a host that is heard while it is to be powered off is not any more, if that has not begun', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  const vm = await site.running('vm', lost);
  const other = await site.host('other', [{ host: 'hosts/lost' }]);
  lost.cut();
  const { id } = await ordered(other);
  await site.back('lost', []);
  const { fenceWithdrawal } = await other.heard.next(
    'the withdrawal',
    (message) => message.fenceWithdrawal != null,
  );
  t.match(fenceWithdrawal, { id, epoch: { incarnation: 1 } });
  other.send({ fenceResult: { id, outcome: 'FENCE_OUTCOME_FAILED', message: 'the order was withdrawn' } });
  t.match(await site.read('lost'), { state: 'HOST_STATE_READY', fence: null });
  t.match(await site.federation.get(vm), { host: 'hosts/lost', term: 1 });
  t.equal(other.heard.all.filter((message) => message.fenceWithdrawal != null).length, 1);

  other.cut();
  const back = await site.back('other', [{ host: 'hosts/lost' }]);
  const again = await back.heard.next('it again', (message) => message.fenceWithdrawal != null);
  t.match(again.fenceWithdrawal, { id }, 'its agent may have heard the order, and nothing since');
});

test('a disk on a shared pool is used where the VM starts, and left alone where it was', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  const other = await site.host('other', [{ host: 'hosts/lost' }]);
  await site.federation.api.call('CreateStoragePool', {
    storagePoolId: 'san',
    storagePool: {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: 'sites/zagreb',
      path: '/srv/san',
      hosts: ['hosts/lost', 'hosts/other'],
      capacityMib: 10_000,
    },
  });
  await site.federation.api.call('CordonHost', { name: 'hosts/other' });
  const spec = {
    vcpus: 1,
    memoryMib: 128,
    diskMib: 200,
    image: 'images/tiny',
    storagePool: 'storagePools/san',
  };
  await site.running('vm', lost, { spec, policy: { onHostLoss: 'HOST_LOSS_POLICY_RESTART' } });
  await site.federation.api.call('UncordonHost', { name: 'hosts/other' });
  lost.cut();
  const order = await ordered(other);
  other.send({ fenceResult: { id: order.id, outcome: 'FENCE_OUTCOME_OFF', method: 'fence_test' } });
  t.match(await other.desired('the VM'), { diskExists: true, storagePoolPath: '/srv/san' });
  const back = await site.back('lost', [], { bootId: 'boot-2' });
  t.match(await back.desired('what is left'), { role: 'VM_ROLE_RELEASED' });
});

test('a host that has burnt is retired with what it had, and its VMs run on where the pool is', async (t) => {
  const site = await Site.start(t);
  const { api } = site.federation;
  const burnt = await site.host('burnt');
  const other = await site.host('other');
  await api.call('CreateStoragePool', {
    storagePoolId: 'san',
    storagePool: {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: 'sites/zagreb',
      path: '/srv/san',
      hosts: ['hosts/burnt', 'hosts/other'],
      capacityMib: 10_000,
    },
  });
  await api.call('CordonHost', { name: 'hosts/other' });
  const spec = { vcpus: 1, memoryMib: 128, diskMib: 200, image: 'images/tiny' };
  const policy = { onHostLoss: 'HOST_LOSS_POLICY_WAIT' } as const;
  const shared = await site.running('shared', burnt, {
    spec: { ...spec, storagePool: 'storagePools/san' },
    policy,
  });
  const own = await site.running('own', burnt, { spec, policy });
  await api.call('UncordonHost', { name: 'hosts/other' });
  const retire = { name: 'hosts/burnt', destroyed: true };
  t.match(await api.fails('RetireHost', retire), { reason: 'HOST_NOT_FENCED' });
  burnt.cut();
  await site.hostIs('burnt', 'is lost', ({ state }) => state === 'HOST_STATE_LOST');
  await api.call('ConfirmFence', { name: 'hosts/burnt', reason: 'there was a fire' });
  t.match(await api.call('RetireHost', retire), { host: { state: 'HOST_STATE_RETIRED' } });
  const desired = await other.desired('the VM');
  t.match(desired, { role: 'VM_ROLE_RUN', term: 2, diskExists: true });
  other.answer(desired);
  await site.federation.becomes(shared, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  t.match(await site.federation.get(own), {
    host: '',
    state: 'VM_STATE_FAILED',
    error: { message: /the host that had its only disk is gone for good/ },
  });
  t.match(await api.fails('StartVm', { name: own }), { reason: 'DISK_GONE' });
});

test('an order outlives the scheduler, and is said again to the agent that has it', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  const vm = await site.running('vm', lost);
  const other = await site.host('other', [{ host: 'hosts/lost' }]);
  lost.cut();
  const order = await ordered(other);
  await site.federation.scheduler.kill();
  await site.federation.scheduler.start();
  const again = await site.back('other', [{ host: 'hosts/lost' }]);
  t.equal((await ordered(again)).id, order.id, 'the same order');
  again.send({ fenceResult: { id: order.id, outcome: 'FENCE_OUTCOME_OFF', method: 'fence_test' } });
  again.answer(await again.desired('the VM'));
  t.match(await site.federation.becomes(vm, 'runs', ({ state }) => state === 'VM_STATE_RUNNING'), {
    term: 2,
  });
});

test('one that cannot do it is followed by another, and what was in the way is told', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  await site.running('vm', lost);
  const agents = [
    await site.host('other-1', [{ host: 'hosts/lost' }]),
    await site.host('other-2', [{ host: 'hosts/lost' }]),
  ] as const;
  lost.cut();
  const first = await ordered(agents[0]);
  agents[0].send({
    fenceResult: { id: first.id, outcome: 'FENCE_OUTCOME_FAILED', message: 'no route to it' },
  });
  const failed = await site.hostIs(
    'lost',
    'could not be fenced',
    ({ fence }) => fence?.state === 'HOST_FENCE_STATE_FAILED',
  );
  t.match(failed, {
    state: 'HOST_STATE_LOST',
    fence: { message: /other-1 could not do it: no route to it/ },
  });
  await site.federation.api.call('FenceHost', { name: 'hosts/lost', reason: 'try again now' });
  const second = await ordered(agents[1]);
  t.not(second.id, first.id);
  agents[0].send({ fenceResult: { id: second.id, outcome: 'FENCE_OUTCOME_OFF' } });
  agents[1].send({ fenceResult: { id: first.id, outcome: 'FENCE_OUTCOME_OFF' } });
  agents[1].send({ fenceResult: { id: second.id, outcome: 'FENCE_OUTCOME_UNMATCHED' } });
  const still = await site.hostIs('lost', 'is not fenced', ({ fence }) =>
    /another management controller/.test(fence?.message ?? ''),
  );
  t.equal(
    still.state,
    'HOST_STATE_LOST',
    'only the answer of whom it was given to counts, and only to the newest order',
  );
});

test('nobody powers off a host whose controller is not the one that it said it has, and it is told why', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  const vm = await site.running('vm', lost);
  await site.host('other', [{ host: 'hosts/lost', controllerGuid: 'd'.repeat(32) }]);
  await site.host('third', [{ host: 'hosts/lost', problem: 'its password file is missing' }]);
  lost.cut();
  const host = await site.hostIs('lost', 'cannot be fenced', ({ fence }) => fence !== null);
  t.match(host.fence, {
    state: 'HOST_FENCE_STATE_FAILED',
    message:
      /other: the controller there is another.*third: its password file is missing.*fence-confirm lost/,
  });
  t.equal((await site.federation.get(vm)).host, 'hosts/lost');
  const word = { name: 'hosts/lost', reason: 'Ana has pulled the plug' };
  await t.rejects(site.federation.api.call('ConfirmFence', { name: 'hosts/lost' }), { message: /reason/ });
  await site.federation.api.call('ConfirmFence', word);
  const moved = await site.federation.becomes(vm, 'has left', ({ host }) => host !== 'hosts/lost');
  t.match(moved, { term: 2 });
});

test('a host whose agent speaks is not taken to be off, whatever libvirt does there', async (t) => {
  const site = await Site.start(t);
  const agent = await site.host('hung', [], { report: { libvirtAvailable: false, libvirtError: 'hung' } });
  agent.send({ report: { libvirtAvailable: false, libvirtError: 'hung' } });
  await site.federation.hostBecomes('hung', 'HOST_STATE_SUSPECT');
  const word = { name: 'hosts/hung', reason: 'it hangs' };
  for (const method of ['ConfirmFence', 'FenceHost'] as const) {
    await t.rejects(site.federation.api.call(method, word), { message: /its agent still speaks/ });
  }
});

test('a VM that is to wait for its host does, and nobody is powered off for it', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  await site.running('vm', lost, { policy: {} });
  const other = await site.host('other', [{ host: 'hosts/lost' }]);
  lost.cut();
  await site.federation.hostBecomes('lost', 'HOST_STATE_LOST');
  // Two sweeps later a decision for another host would have gone out.
  await site.federation.api.call('FenceHost', { name: 'hosts/lost' });
  t.match(await ordered(other), { host: 'hosts/lost' });
  t.match(
    await site.read('lost'),
    { waitingVms: 0, fence: { attempts: 1 } },
    'only an operator has wanted it',
  );
});

test('that a fence failed is no alarm when no VM waits for it any more, and an operator may want it all the same', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost');
  const vm = await site.running('vm', lost);
  const other = await site.host('other', [{ host: 'hosts/lost' }]);
  lost.cut();
  const first = await ordered(other);
  await site.federation.api.call('UpdateVm', {
    vm: { name: vm, policy: { onHostLoss: 'HOST_LOSS_POLICY_WAIT' } },
    updateMask: { paths: ['policy'] },
  });
  other.send({ fenceResult: { id: first.id, outcome: 'FENCE_OUTCOME_FAILED', message: 'no route' } });
  await site.hostIs('lost', 'could not be fenced', ({ fence }) => fence?.state === 'HOST_FENCE_STATE_FAILED');
  const alarms = await site.federation.api.call('ListAlarms', {});
  t.notOk(
    alarms.alarms?.some(({ code }) => code === 'HOST_NOT_FENCED'),
    'nothing waits for it',
  );
  await site.federation.api.call('FenceHost', { name: 'hosts/lost', reason: 'make sure' });
  t.not((await ordered(other)).id, first.id);
});

test('when much of a site is not heard of nobody is powered off by itself, but by an operator', async (t) => {
  const site = await Site.start(t);
  const lost = await Promise.all(['lost-1', 'lost-2', 'lost-3'].map((name) => site.host(name)));
  const [first] = lost as [ScriptedAgent];
  for (const name of ['lost-2', 'lost-3'])
    await site.federation.api.call('CordonHost', { name: `hosts/${name}` });
  await site.running('vm', first);
  const other = await site.host('other', [{ host: 'hosts/lost-1' }]);
  for (const agent of lost) agent.cut();
  const told = await site.hostIs('lost-1', 'is not fenced', ({ fence }) => fence !== null);
  t.match(told, {
    state: 'HOST_STATE_LOST',
    fence: { attempts: 0, message: /many hosts.*an operator decides/ },
  });
  t.notOk(
    other.heard.all.some(({ fenceOrder }) => fenceOrder != null),
    'nobody is ordered to',
  );
  await site.federation.api.call('FenceHost', { name: 'hosts/lost-1', reason: 'its rack is dark' });
  t.match(await ordered(other), { host: 'hosts/lost-1' });
});

test('an orphan is taken away from the host that has reported it', async (t) => {
  const site = await Site.start(t);
  const orphan = '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11';
  const agent = await site.host('host');
  agent.send({ report: { ...report, orphans: [`domain old ${orphan}`] } });
  await site.hostIs('host', 'has an orphan', ({ orphans }) => orphans.length === 1);
  await site.federation.api.call('RemoveOrphan', { name: 'hosts/host', orphan });
  const desired = await agent.desired('the orphan');
  t.match(desired, { uid: orphan, role: 'VM_ROLE_DELETED', vmName: '' });
  agent.answer(desired);
  await site.hostIs('host', 'has nothing left', ({ leftoverVms }) => leftoverVms === 0);
  const form = { name: 'hosts/host', orphan: 'old' };
  await t.rejects(site.federation.api.call('RemoveOrphan', form), { message: /orphan: must be the UUID/ });
});

const stopping = {
  policy: {
    onHostLoss: 'HOST_LOSS_POLICY_RESTART',
    onLeaseLoss: 'LEASE_LOSS_POLICY_STOP',
    rebuildable: true,
  },
} as const;
const watchdog = { armed: true, timeoutSeconds: 1, problem: '' };
const guarded = { report: { ...report, watchdog } };

test('what stops with the lease restarts elsewhere by the watchdog rule, without a fence, and what keeps stays', async (t) => {
  const site = await Site.start(t);
  const lost = await site.host('lost', [], guarded);
  const stops = await site.running('stops', lost, stopping);
  const keeps = await site.running('keeps', lost);
  const other = await site.host('other');
  const before = { armed: true, timeout: { seconds: 1 }, problem: '', stopProvenTime: null };
  t.match(await site.read('lost'), { watchdog: before });
  lost.cut();
  const desired = await other.desired('the VM', ({ vmName }) => vmName === stops);
  t.match(desired, { role: 'VM_ROLE_RUN', term: 2, policy: { onLeaseLoss: 'LEASE_LOSS_POLICY_STOP' } });
  const gone = await site.read('lost');
  t.match(gone, { state: 'HOST_STATE_LOST', leftoverVms: 1, waitingVms: 1 });
  t.ok(gone.watchdog?.stopProvenTime, 'since when they are off is told');
  t.match(await site.federation.get(keeps), { host: 'hosts/lost', error: { message: /nothing proves/ } });

  const back = await site.back('lost', [], guarded);
  t.match(await back.desired('what is left', ({ uid }) => uid === desired.uid), { role: 'VM_ROLE_DELETED' });
  t.match(await site.read('lost'), { watchdog: { stopProvenTime: null } });
});

test('a host that was taken to have stopped them gets no lease on its old stream', async (t) => {
  const site = await Site.start(t);
  const frozen = await site.federation.host('frozen', { ...helloOf([]), ...guarded });
  const release = frozen.keepLease();
  const vm = await site.running('vm', frozen, stopping);
  release();
  const other = await site.host('other');
  await other.desired('the VM', ({ vmName }) => vmName === vm);
  frozen.askLease(99);
  const rejected = await frozen.heard.next('the end', (message) => message.rejected != null);
  t.match(rejected, { rejected: { retryable: true } });
  t.notOk(frozen.heard.all.some(({ leaseGrant }) => Number(leaseGrant?.id ?? 0) === 99));
});

test('without an armed watchdog nothing proves that it has stopped', async (t) => {
  const site = await Site.start(t);
  const { api } = site.federation;
  const bare = await site.host('bare');
  const onBare = await site.running('on-bare', bare, stopping);
  await api.call('CordonHost', { name: 'hosts/bare' });
  const unarmed = await site.host('unarmed', [], {
    report: { ...report, watchdog: { armed: false, timeoutSeconds: 1, problem: 'busy' } },
  });
  const onUnarmed = await site.running('on-unarmed', unarmed, stopping);
  t.match(await api.call('ListAlarms', {}), { alarms: [{ code: 'HOST_WATCHDOG_UNARMED', message: /busy/ }] });
  await api.call('CordonHost', { name: 'hosts/unarmed' });
  const armed = await site.host('armed', [], guarded);
  const onArmed = await site.running('on-armed', armed, stopping);
  await site.host('other');
  for (const agent of [bare, unarmed, armed]) agent.cut();
  const { host } = await site.federation.becomes(onArmed, 'leaves', (vm) => vm.host !== 'hosts/armed');
  t.equal(host, 'hosts/other');
  for (const [name, vm] of [
    ['bare', onBare],
    ['unarmed', onUnarmed],
  ] as const) {
    t.match(await site.read(name), { state: 'HOST_STATE_LOST', waitingVms: 1 });
    t.match(await site.federation.get(vm), { host: `hosts/${name}` });
  }
});
