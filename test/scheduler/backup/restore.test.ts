import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { type Epoch, judgeEpoch } from '../../../agent/converge/epoch.js';
import { readCredentials, secureChannel } from '../../../proto/credentials.js';
import type { Checkpoint__Output } from '../../../proto/gen/secovia/v1/Checkpoint.js';
import type { LinkResponse__Output } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import { ScriptedAgent } from '../api/agent.js';
import { Api } from '../api/client.js';
import { Federation, newVm } from '../api/federation.js';
import { SchedulerProcess } from '../api/scheduler-process.js';
import { init } from '../api/secure-scheduler.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { eventually } from '../within.js';

const folder = temporaryFolder(tap);
const file = join(folder, 'before.backup');

/** A federation that is backed up, goes on, and is lost. */
const federation = await Federation.start(tap);
const { api, scheduler } = federation;
await federation.site('ljubljana', 'SI');
const first = await federation.host('a', { obeys: true });
const old = await federation.vm('old');
await federation.becomes(old.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
const request = newVm('asked-twice');
const answered = await api.call('CreateVm', request);
const made = runProgram(['backup', file, '--data-dir', scheduler.dataDir, '--output', 'json']);
if (made.status !== 0) throw new Error(made.stderr);
const young = await federation.vm('young');
await federation.becomes(young.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
const sequence = await api.sequence();
const kept = await eventually(
  'a checkpoint that covers it all',
  async () => {
    first.askLease(7);
    const { leaseGrant } = await first.heard.next('a lease', (message) => message.leaseGrant?.id === 7);
    return leaseGrant?.checkpoint as Checkpoint__Output;
  },
  (checkpoint) => checkpoint.sequence >= sequence,
);
const lost = epochOf(first.heard.all);
first.close();
await scheduler.stop();

function epochOf(heard: LinkResponse__Output[]): Epoch {
  return heard.find(({ welcome }) => welcome != null)?.welcome?.epoch as Epoch;
}

async function serve(t: Pick<typeof tap, 'teardown'>, dataDir: string): Promise<Api> {
  const { address } = await SchedulerProcess.start(t, { dataDir });
  const there = new Api(address);
  t.teardown(() => there.close());
  return there;
}

const seen = [
  { uid: old.uid, term: 1, generation: 1, state: 'DOMAIN_STATE_RUNNING' as const },
  { uid: young.uid, term: 1, generation: 1, state: 'DOMAIN_STATE_RUNNING' as const },
];

test('what is restored has a new incarnation, and goes on when its recovery is ended', async (t) => {
  const dataDir = join(folder, 'restored');
  const restored = runProgram(['restore', file, '--data-dir', dataDir]);
  t.match(restored, {
    status: 0,
    stderr: '',
    stdout:
      /^.*has federation secovia as of decision \d+ .*: 2 VMs, 1 host. Its next epoch is 2.2.\n.*\nIn recovery: ljubljana, zagreb. /,
  });
  t.equal(statSync(dataDir).mode & 0o777, 0o700);
  const there = await serve(t, dataDir);
  const { federation: summary } = await there.call('GetFederation', {});
  t.match(summary, {
    recoveringSites: ['sites/ljubljana', 'sites/zagreb'],
    recoveryReason: /^restored from a backup of 20\d\d-/,
  });
  t.same(await there.call('CreateVm', request), answered, 'what was acknowledged before is not done again');
  const refused = { code: status.FAILED_PRECONDITION, reason: 'SITE_RECOVERING' };
  t.match(await there.fails('StopVm', { name: old.name }), refused);

  const agent = await ScriptedAgent.connect(there, 'a', { checkpoint: kept, observations: seen });
  const epoch = epochOf(agent.heard.all);
  t.match(epoch, { incarnation: 2, counter: 2 }, 'an agent that saw more raises it no further');
  t.equal(judgeEpoch(lost, epoch), 'newer', 'agents obey it, and no more what was before');
  t.equal(judgeEpoch(epoch, lost), 'older');
  t.same(
    agent.heard.all.map(({ message }) => message),
    ['welcome'],
    'no lease, and nothing is desired',
  );

  for (const site of ['zagreb', 'ljubljana']) await there.call('EndRecovery', { site: `sites/${site}` });
  t.match((await agent.heard.next('Rejected', ({ rejected }) => rejected != null)).rejected, {
    reason: 'RECOVERED',
  });
  const checkpoint = agent.heard.all[0]?.welcome?.checkpoint as Checkpoint__Output;
  const again = await ScriptedAgent.connect(there, 'a', { checkpoint, observations: seen, obeys: true });
  await again.heard.next('a lease', ({ leaseGrant }) => leaseGrant != null);
  t.match(await there.call('GetVm', { name: old.name }), { vm: { state: 'VM_STATE_RUNNING' } });
  const { vm } = await there.call('CreateVm', newVm('new'));
  await eventually(
    'it runs',
    () => there.call('GetVm', { name: vm?.name }),
    (answer) => answer.vm?.state === 'VM_STATE_RUNNING',
  );
  await there.call('StopVm', { name: old.name });
  await eventually(
    'it is stopped',
    () => there.call('GetVm', { name: old.name }),
    (answer) => answer.vm?.state === 'VM_STATE_STOPPED',
  );
  const words = again.heard.all.filter(({ desired }) => desired?.uid === young.uid);
  t.same(words, [], 'what was made after the backup is left alone');
  again.close();
});

/** Restores into a folder of this name, and gives what an agent with this checkpoint is welcomed with. */
async function welcomed(t: Pick<typeof tap, 'teardown'>, name: string, checkpoint: Checkpoint__Output) {
  const dataDir = join(folder, name);
  const { stderr } = runProgram(['restore', file, '--data-dir', dataDir]);
  if (stderr !== '') throw new Error(stderr);
  const agent = await ScriptedAgent.connect(await serve(t, dataDir), 'a', { checkpoint });
  agent.close();
  const welcome = agent.heard.all[0]?.welcome;
  return { epoch: welcome?.epoch as Epoch, checkpoint: welcome?.checkpoint as Checkpoint__Output };
}

test('two restores of one backup are not mistaken for one another', async (t) => {
  const one = await welcomed(t, 'one', kept);
  const two = await welcomed(t, 'two', kept);
  t.same([one.epoch.incarnation, one.epoch.counter], [two.epoch.incarnation, two.epoch.counter]);
  t.equal(judgeEpoch(one.epoch, two.epoch), 'clone', 'an agent of the first refuses the second');
  const three = await welcomed(t, 'three', one.checkpoint);
  t.equal(
    judgeEpoch(one.epoch, three.epoch),
    'newer',
    'once it has said whom it obeys, the second rises above',
  );
});

test('a federation with certificates is restored with them', async (t) => {
  const [dataDir, out] = [join(folder, 'secure'), join(folder, 'root')];
  init(dataDir, out);
  const backup = join(folder, 'secure.backup');
  t.equal(runProgram(['backup', backup, '--data-dir', dataDir]).status, 0);
  const elsewhere = join(folder, 'elsewhere');
  t.equal(runProgram(['restore', backup, '--data-dir', elsewhere]).status, 0);
  for (const name of ['authority/authority.key', 'authority/authority.pem', 'server/server.key'])
    t.same(readFileSync(join(elsewhere, name)), readFileSync(join(dataDir, name)), name);
  t.equal(statSync(join(elsewhere, 'authority', 'authority.key')).mode & 0o777, 0o600);
  const key = readFileSync(join(dataDir, 'authority', 'authority.key'), 'utf8').split('\n')[1] as string;
  t.notOk(readFileSync(join(elsewhere, 'secovia.db')).includes(key), 'the store itself holds no key');
  const secure = await SchedulerProcess.start(t, { dataDir: elsewhere, secure: true });
  const there = new Api(secure.address, { secure: secureChannel(readCredentials(out)) });
  t.teardown(() => there.close());
  t.equal((await there.call('GetFederation', {})).federation?.title, 'lab');
  const { entries } = await there.call('ListAuditEntries', {});
  t.ok(
    entries?.some(({ method }) => method === 'secovia-scheduler restore'),
    'the record says so',
  );
});
