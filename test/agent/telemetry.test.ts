import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Hypervisor, HypervisorError } from '../../agent/hypervisor/hypervisor.js';
import { AgentTelemetry } from '../../agent/telemetry/agent-telemetry.js';
import { observedHypervisor } from '../../agent/telemetry/observed-hypervisor.js';
import { emptyStatus } from '../telemetry/empty-status.js';
import { Numbers, portOf } from '../telemetry/numbers.js';
import { AgentProcess } from './agent-process.js';
import { SchedulerDouble, word } from './scheduler-double.js';
import { until } from './until.js';
import { uidOf } from './world.js';

t.test('a real agent serves what it does and what it has, and says when it lost its scheduler', async (t) => {
  const scheduler = new SchedulerDouble();
  await scheduler.listen();
  const agent = new AgentProcess({
    scheduler: scheduler.address,
    checkpointKey: scheduler.checkpointKey.toString('base64'),
    metricsListen: '127.0.0.1:0',
  });
  t.teardown(async () => {
    await agent.dispose();
    scheduler.close();
  });
  const bytes = Buffer.from('an image of no guest at all');
  const file = join(agent.imageFolder, 'tiny.raw');
  writeFileSync(file, bytes);
  const image = {
    name: 'images/tiny',
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    format: 'IMAGE_FORMAT_RAW' as const,
    sizeBytes: bytes.length,
    virtualSizeMib: 1,
    source: `file://${file}`,
  };
  agent.start();
  const line = await until('it serves', () => agent.log.find(({ event }) => event === 'metrics'));
  const port = portOf(line as unknown as { [field: string]: unknown });
  const uid = uidOf(1);
  await until('hello', () => scheduler.hellos[0]);
  scheduler.want(word(uid, { image }));
  await until('running', () => scheduler.newest(uid)?.state === 'DOMAIN_STATE_RUNNING');
  await until('leases', () => scheduler.leaseRequests >= 2);

  const numbers = await Numbers.of(port);
  t.equal(numbers.value('secovia_agent_vms', { state: 'running' }), 1);
  t.equal(numbers.value('secovia_agent_permits'), 1);
  t.equal(numbers.value('secovia_agent_link_up'), 1);
  t.equal(numbers.value('secovia_agent_link_changes_total', { to: 'up' }), 1);
  t.equal(numbers.value('secovia_agent_libvirt_available'), 1);
  t.equal(numbers.value('secovia_agent_ready'), 1);
  t.ok((numbers.value('secovia_agent_lease_left_seconds') ?? -1) > 0);
  t.equal(numbers.value('secovia_agent_certificate_left_seconds'), undefined, 'it has none');
  for (const step of ['persist', 'fetchImage', 'createVolume', 'define', 'start']) {
    t.ok((numbers.value('secovia_agent_steps_total', { step, outcome: 'done' }) ?? 0) >= 1, step);
  }
  t.equal(numbers.value('secovia_agent_hypervisor_calls_total', { call: 'start', outcome: 'done' }), 1);
  t.equal(numbers.value('secovia_agent_hypervisor_call_seconds_count', { call: 'start' }), 1);
  t.equal(numbers.value('secovia_agent_capacity', { resource: 'vcpus' }), 16);
  t.ok((numbers.value('secovia_agent_claimed', { resource: 'vcpus' }) ?? 0) > 0);
  t.notMatch(numbers.text, uid, 'no VM is named');
  const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  t.equal((await at('/readyz')).status, 200);

  scheduler.close();
  await until('it has lost its scheduler', () => agent.log.some(({ event }) => event === 'link.down'));
  const unready = await at('/readyz');
  t.equal(unready.status, 503);
  t.match(await unready.text(), /^there is no link to the scheduler: /);
  t.equal((await at('/healthz')).status, 200, 'it is alive all the same');
  const lost = await Numbers.of(port);
  t.equal(lost.value('secovia_agent_link_up'), 0);
  t.equal(lost.value('secovia_agent_link_changes_total', { to: 'down' }), 1);
  t.equal(lost.value('secovia_agent_vms', { state: 'running' }), 1);
});

t.test(
  'a hypervisor that is watched does what it did, and its failures are told by their kinds',
  async (t) => {
    const telemetry = new AgentTelemetry('0');
    telemetry.watch(() => ({ status: emptyStatus(), permits: 0 }));
    const driver = {
      availability: () => ({ available: true, error: '', version: '9' }),
      inspect: async (uid: string) => ({ uid }),
      start: async () => {
        throw new HypervisorError('timeout', 'no answer in time');
      },
      destroy: async () => {
        throw new Error('something else');
      },
    } as unknown as Hypervisor;
    const hypervisor = observedHypervisor(driver, telemetry);
    t.match(hypervisor.availability(), { version: '9' });
    t.match(await hypervisor.inspect('x'), { uid: 'x' });
    await t.rejects(hypervisor.start('x', ''), /no answer in time/);
    await t.rejects(hypervisor.destroy('x'), /something else/);
    const numbers = new Numbers(await telemetry.metrics());
    const calls = (call: string, outcome: string) =>
      numbers.value('secovia_agent_hypervisor_calls_total', { call, outcome });
    t.equal(calls('inspect', 'done'), 1);
    t.equal(calls('start', 'timeout'), 1);
    t.equal(calls('destroy', 'failed'), 1);
    t.equal(calls('availability', 'done'), undefined, 'what waits for nobody is no call');
  },
);

t.test('what is not known is not shown, and why it is not ready is told', async (t) => {
  const telemetry = new AgentTelemetry('0');
  t.same(telemetry.unready(), ['it is starting']);
  telemetry.watch(() => ({ status: emptyStatus(), permits: 0 }));
  t.same(telemetry.unready(), [
    'there is no link to the scheduler: idle',
    'libvirt does not answer: no socket',
  ]);
  const none = new Numbers(await telemetry.metrics());
  t.equal(none.value('secovia_agent_lease_left_seconds'), undefined);
  t.equal(none.value('secovia_agent_ready'), 0);
  const link = { ...emptyStatus().link, state: 'linked' as const, leaseEndsInMs: -1500 };
  const certificate = { endsInMs: 60_000, renewsInMs: 1, error: '' };
  const libvirt = { ...emptyStatus().libvirt, available: true };
  telemetry.watch(() => ({ status: emptyStatus({ link, certificate, libvirt }), permits: 0 }));
  t.same(telemetry.unready(), []);
  const some = new Numbers(await telemetry.metrics());
  t.equal(some.value('secovia_agent_lease_left_seconds'), -1.5);
  t.equal(some.value('secovia_agent_certificate_left_seconds'), 60);
  t.equal(some.value('secovia_agent_ready'), 1);
});
