import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Checkpoint__Output } from '../../../proto/gen/secovia/v1/Checkpoint.js';
import { temporaryFolder } from '../scope.js';
import { eventually } from '../within.js';
import { machineIdOf, ScriptedAgent } from './agent.js';
import { Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '2000']);
const { api, scheduler } = federation;
const backup = join(temporaryFolder(tap), 'backup');

/** Puts the scheduler back to the copy, as a restore by hand does. */
async function restore(): Promise<void> {
  await scheduler.stop();
  rmSync(scheduler.dataDir, { recursive: true });
  cpSync(backup, scheduler.dataDir, { recursive: true });
  await scheduler.start();
}

const recovering = async () => (await api.call('GetFederation', {})).federation?.recoveringSites;

/** A checkpoint that covers everything that was acknowledged until now. */
async function checkpointOf(agent: ScriptedAgent): Promise<Checkpoint__Output> {
  const now = await api.sequence();
  let id = 100;
  return eventually(
    'a fresh checkpoint',
    async () => {
      id += 1;
      agent.askLease(id);
      const { leaseGrant } = await agent.heard.next('a lease', (message) => message.leaseGrant?.id === id);
      return leaseGrant?.checkpoint as Checkpoint__Output;
    },
    ({ sequence }) => sequence >= now,
  );
}

const first = await federation.host('a', { obeys: true });
const old = await federation.vm('old');
await federation.becomes(old.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
first.close();
await scheduler.stop();
cpSync(scheduler.dataDir, backup, { recursive: true });
await scheduler.start();

const second = await ScriptedAgent.connect(api, 'a', { obeys: true });
const young = await federation.vm('young');
await federation.becomes(young.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
for (let index = 0; index < 20; index += 1)
  await api.call('UpdateVm', { vm: { name: young.name, title: `${index}` } });
const checkpoint = await checkpointOf(second);
second.close();

test('a restart without a restore recovers nothing', async (t) => {
  await scheduler.restart();
  const agent = await ScriptedAgent.connect(api, 'a', { checkpoint });
  await agent.heard.next('a lease', ({ leaseGrant }) => leaseGrant != null);
  t.same(await recovering(), []);
  agent.close();
  await agent.heard.over();
});

test('a checkpoint that nobody signed proves nothing', async (t) => {
  const forged = [
    { ...checkpoint, sequence: checkpoint.sequence + 1000 },
    { ...checkpoint, hash: Buffer.alloc(32) },
    { ...checkpoint, signature: Buffer.alloc(0) },
    { ...checkpoint, incarnation: 7 },
    { sequence: -5, hash: Buffer.alloc(100_000), signature: Buffer.alloc(100_000) },
  ];
  for (const one of forged) {
    const agent = await ScriptedAgent.connect(api, 'a', { checkpoint: one });
    agent.close();
    await agent.heard.over();
  }
  t.same(await recovering(), []);
});

test('after a restore the first agent that has seen more puts its site into recovery', async (t) => {
  await federation.site('ljubljana', 'SI').catch(() => {});
  await restore();
  await federation.site('ljubljana', 'SI');
  const elsewhere = await federation.host('elsewhere', { site: 'ljubljana', obeys: true });
  const agent = await ScriptedAgent.connect(api, 'a', {
    checkpoint,
    observations: [
      { uid: old.uid, term: 1, generation: 1, state: 'DOMAIN_STATE_RUNNING' },
      { uid: young.uid, term: 1, generation: 1, state: 'DOMAIN_STATE_RUNNING' },
    ],
  });
  const { federation: summary } = await api.call('GetFederation', {});
  t.match(summary, { recoveringSites: ['sites/zagreb'], recoveryReason: /restored from an older copy/ });

  const refused = { code: status.FAILED_PRECONDITION, reason: 'SITE_RECOVERING' };
  for (const method of ['StartVm', 'StopVm', 'RebootVm', 'DeleteVm'] as const) {
    t.match(await api.fails(method, { name: old.name }), refused, method);
  }
  const newcomer = { hostId: 'b', site: 'sites/zagreb', machineId: machineIdOf('b') };
  t.match(await api.fails('Join', newcomer), refused);
  t.match(await api.fails('DeleteSite', { name: 'sites/zagreb' }), refused);
  elsewhere.askLease(1000);
  await elsewhere.heard.next('a lease', ({ leaseGrant }) => leaseGrant?.id === 1000);
  t.equal((await federation.vm('refugee')).host, 'hosts/elsewhere', 'the other site goes on');
  t.match(await api.fails('CreateVm', newVm('here', { placement: { sites: ['sites/zagreb'] } })), {
    reason: 'NO_HOST',
    details: { errorInfo: { metadata: { SITE_RECOVERING: '1' } } },
  });

  agent.observe({ uid: old.uid, term: 1, generation: 6, state: 'DOMAIN_STATE_STOPPED' });
  await federation.becomes(
    old.name,
    'is known in its newer generation',
    ({ generation }) => generation === 7,
  );
  t.equal(agent.heard.all[0]?.welcome?.epoch?.incarnation, 2, 'a restore takes a new incarnation');
  const quiet = agent.heard.all.map(({ message }) => message);
  t.same(new Set(quiet), new Set(['welcome', 'leaseWithheld']), 'no lease, and nothing is desired');

  t.same((await api.call('EndRecovery', { site: 'sites/zagreb' })).federation?.recoveringSites, []);
  const { rejected } = await agent.heard.next('Rejected', (message) => message.rejected != null);
  t.match(rejected, { reason: 'RECOVERED', retryable: true });
  const again = await ScriptedAgent.connect(api, 'a', {
    checkpoint: agent.heard.all[0]?.welcome?.checkpoint as Checkpoint__Output,
    observations: [{ uid: old.uid, term: 1, generation: 6, state: 'DOMAIN_STATE_STOPPED' }],
  });
  const desired = await again.desired('the VM that both know');
  t.match(desired, { uid: old.uid, generation: 7, role: 'VM_ROLE_RUN' });
  t.match(await federation.get(old.name), { state: 'VM_STATE_STOPPED', observedGeneration: 6 });
  again.answer(desired);
  await federation.becomes(old.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  t.match(await api.fails('EndRecovery', { site: 'sites/zagreb' }), {
    code: status.FAILED_PRECONDITION,
    reason: 'NOT_RECOVERING',
  });
  for (const one of [again, elsewhere]) one.close();
});

test('a journal that went another way since the restore is noticed when it is long enough', async (t) => {
  for (let index = 0; (await api.sequence()) <= checkpoint.sequence; index += 1) {
    await api.call(index % 2 === 0 ? 'CordonSite' : 'UncordonSite', { name: 'sites/ljubljana' });
  }
  await scheduler.restart();
  const agent = await ScriptedAgent.connect(api, 'a', { checkpoint });
  const { federation: summary } = await api.call('GetFederation', {});
  t.match(summary, { recoveringSites: ['sites/zagreb'], recoveryReason: /another journal/ });
  agent.close();
});
