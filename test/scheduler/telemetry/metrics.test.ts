import { randomUUID } from 'node:crypto';
import tap, { test } from 'tap';
import { Federation, newVm } from '../api/federation.js';
import { Numbers, portOf } from '../../telemetry/numbers.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { eventually } from '../within.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000', '--metrics-listen', '127.0.0.1:0']);
const { api, scheduler } = federation;
const port = portOf(scheduler.log.find(({ msg }) => msg === 'serving metrics'));
const agent = await federation.host('zg-1', { obeys: true });
tap.teardown(() => agent.close());
await api.call('SetQuota', { parent: 'administrations/adm', limit: { vcpus: 10 } });
await api.call('CreateVm', newVm('secret-name'));
const vm = await federation.becomes(
  'administrations/adm/vms/secret-name',
  'runs',
  ({ operation }) => operation === '',
);

const scrape = () => Numbers.of(port);

test('what happened is counted: decisions, commits, refusals and calls', async (t) => {
  await api.fails('CreateVm', newVm('secret-name'));
  await api.fails('GetHost', { name: 'hosts/none' });
  const numbers = await scrape();
  t.equal(
    numbers.value('secovia_scheduler_decisions_total', { command: 'vm.create', outcome: 'changed' }),
    1,
  );
  t.equal(
    numbers.value('secovia_scheduler_decisions_total', { command: 'vm.create', outcome: 'refused' }),
    1,
  );
  t.equal(numbers.value('secovia_scheduler_refusals_total', { reason: 'VM_EXISTS' }), 1);
  t.equal(numbers.value('secovia_scheduler_calls_total', { method: 'VmService/CreateVm', code: 'OK' }), 1);
  t.equal(
    numbers.value('secovia_scheduler_calls_total', { method: 'VmService/CreateVm', code: 'ALREADY_EXISTS' }),
    1,
  );
  t.equal(
    numbers.value('secovia_scheduler_calls_total', { method: 'HostService/GetHost', code: 'NOT_FOUND' }),
    1,
  );
  t.equal(numbers.value('secovia_scheduler_call_seconds_count', { method: 'VmService/CreateVm' }), 2);
  const decided = numbers.sum('secovia_scheduler_decisions_total');
  t.equal(numbers.value('secovia_scheduler_decision_seconds_count'), decided);
  t.ok((numbers.value('secovia_scheduler_commit_seconds_count') ?? 0) > 3);
  t.ok((numbers.value('secovia_scheduler_commit_decisions_sum') ?? 0) > 5);
});

test('what is there is shown: hosts, VMs, quotas, agents, leases, the journal', async (t) => {
  const numbers = await eventually(
    'the VM is counted',
    scrape,
    (now) => now.value('secovia_vms', { state: 'running' }) === 1,
  );
  t.equal(numbers.value('secovia_hosts', { site: 'zagreb', state: 'ready' }), 1);
  const vcpus = { administration: 'adm', scope: 'everywhere', resource: 'vcpus' };
  t.equal(numbers.value('secovia_quota_used', vcpus), 1);
  t.equal(numbers.value('secovia_quota_limit', vcpus), 10);
  t.equal(
    numbers.value('secovia_quota_limit', { ...vcpus, resource: 'vms' }),
    undefined,
    'it has no such limit',
  );
  t.equal(numbers.value('secovia_scheduler_agents'), 1);
  t.equal(numbers.value('secovia_scheduler_leases'), 1);
  t.equal(numbers.value('secovia_scheduler_streams', { method: 'AgentService/Link' }), 1);
  t.equal(numbers.value('secovia_scheduler_epoch_counter'), 1);
  t.ok((numbers.value('secovia_scheduler_journal_sequence') ?? 0) > 5);
  t.equal(numbers.value('secovia_scheduler_ready'), 1);
  t.equal(numbers.sum('secovia_scheduler_build_info'), 1);
  t.ok(numbers.has('nodejs_eventloop_lag_p99_seconds'));
  t.equal(numbers.sum('secovia_alarms'), 0);
});

test('nothing names a VM, a person or a call’s content', async (t) => {
  const { text } = await scrape();
  for (const secret of ['secret-name', vm.uid, 'spiffe:', 'insecure', 'tiny']) t.notMatch(text, secret);
});

test('alarms are counted by their codes', async (t) => {
  await api.call('QuarantineHost', { name: 'hosts/zg-1', requestId: randomUUID() });
  await eventually(
    'the alarm is counted',
    scrape,
    (now) => now.value('secovia_alarms', { code: 'HOST_QUARANTINED', severity: 'warning' }) === 1,
  );
  t.equal((await scrape()).value('secovia_alarms', { code: 'VM_UNKNOWN', severity: 'warning' }), undefined);
  await api.call('ReleaseHost', { name: 'hosts/zg-1', requestId: randomUUID() });
});

test('a stream that ends is not counted any more', async (t) => {
  agent.close();
  await eventually(
    'it has ended',
    scrape,
    (now) => now.value('secovia_scheduler_streams', { method: 'AgentService/Link' }) === 0,
  );
  t.equal((await scrape()).value('secovia_scheduler_agents'), 0);
});

test('it says whether it lives and whether it does its work, and takes nothing else', async (t) => {
  const at = (path: string, options: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, options);
  t.equal((await at('/healthz')).status, 200);
  const ready = await at('/readyz');
  t.equal(ready.status, 200);
  t.equal(await ready.text(), 'ready\n');
  t.equal((await at('/metrics?x=y')).status, 200);
  t.equal((await at('/metrics', { method: 'POST', body: 'x' })).status, 405);
  t.equal((await at('/')).status, 404);
  const head = await at('/metrics', { method: 'HEAD' });
  t.equal(head.status, 200);
  t.match(head.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
});

test('an address that is taken, and one that is none, are told in one sentence', async (t) => {
  const run = (metricsListen: string, more: string[] = []) =>
    runProgram([
      'run',
      '--insecure',
      '--data-dir',
      temporaryFolder(t),
      '--metrics-listen',
      metricsListen,
      ...more,
    ]);
  t.match(run(`127.0.0.1:${port}`), {
    status: 1,
    stderr: new RegExp(`^secovia-scheduler: cannot serve metrics on 127.0.0.1:${port}: .*EADDRINUSE.*\\n$`),
  });
  t.match(run('127.0.0.1:0', ['--listen', scheduler.address]), { status: 1, stderr: /cannot listen on/ });
  t.match(run('7444'), { status: 2, stderr: /--metrics-listen: must be ADDRESS:PORT/ });
});
