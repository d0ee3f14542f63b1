import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { CreateVmRequest } from '../../../proto/gen/secovia/v1/CreateVmRequest.js';
import { eventually } from '../within.js';
import { adm, Federation, newVm } from './federation.js';
import { sized } from './questions.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
// Room for one of 2 GiB, which is taken by a VM that can wait.
await federation.host('a', { obeys: true, ...sized(2048, 8) });
const spec = { vcpus: 1, memoryMib: 2048, diskMib: 200, image: 'images/tiny' };
const { name: batch, uid } = await federation.vm('batch', { spec, priority: 'VM_PRIORITY_SPARE' });
await federation.becomes(batch, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');

const urgent = (change: Partial<CreateVmRequest> = {}): CreateVmRequest => ({
  ...newVm('urgent', { spec, priority: 'VM_PRIORITY_HIGH' }),
  requestId: randomUUID(),
  ...change,
});
const etagOf = async (name: string) => (await federation.get(name)).etag as string;

test('priorities are kept, shown, filtered by and changed', async (t) => {
  t.match(await federation.get(batch), { priority: 'VM_PRIORITY_SPARE', displacedFor: '' });
  const found = await api.call('ListVms', { filter: 'priority = SPARE' });
  t.same(
    found.vms.map(({ name }) => name),
    [batch],
  );
  const { vm } = await api.call('UpdateVm', { vm: { name: batch, priority: 'VM_PRIORITY_LOW' } });
  t.equal(vm?.priority, 'VM_PRIORITY_LOW');
  t.match(await api.call('UpdateVm', { vm: { name: batch, title: 'x' } }), {
    vm: { priority: 'VM_PRIORITY_LOW' },
  });
});

test('a report is a refusal that names who would have to give way, and an explanation names them as well', async (t) => {
  t.notMatch((await api.fails('CreateVm', urgent())).details.errorInfo?.metadata, { displace_count: '1' });
  const refused = await api.fails('CreateVm', urgent({ preemption: 'PREEMPTION_REPORT' }));
  t.match(refused, {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'NO_HOST',
    details: {
      errorInfo: {
        metadata: {
          displace_host: 'a',
          displace_count: '1',
          displace_1: `vms/${uid} ${await etagOf(batch)}`,
        },
      },
    },
  });
  const vm = { spec, priority: 'VM_PRIORITY_HIGH' as const };
  const { displacement } = await api.call('ExplainPlacement', { parent: adm, vm });
  t.match(displacement, { host: 'hosts/a', vms: [{ name: batch, etag: await etagOf(batch) }] });
  t.equal(
    (await api.call('ExplainPlacement', { parent: adm, vm: { spec, priority: 'VM_PRIORITY_LOW' } }))
      .displacement,
    null,
  );
});

test('what is said of preemption and cannot be is refused, with the field', async (t) => {
  const displaced = [{ vm: `vms/${uid}`, etag: '"1"' }];
  const confirm = 'PREEMPTION_CONFIRM' as const;
  const cases: [Partial<CreateVmRequest>, string][] = [
    [{ preemption: confirm }, 'displaced'],
    [{ displaced }, 'displaced'],
    [{ preemption: 'PREEMPTION_REPORT', displaced }, 'displaced'],
    [{ preemption: confirm, displaced: [{ vm: batch, etag: '"1"' }] }, 'displaced[0].vm'],
    [{ preemption: confirm, displaced: [{ vm: `vms/${uid}` }] }, 'displaced[0].etag'],
    [{ preemption: confirm, displaced: [...displaced, ...displaced] }, 'displaced[1].vm'],
    [{ preemption: confirm, displaced: Array.from({ length: 9 }, () => displaced[0] ?? {}) }, 'displaced'],
  ];
  for (const [change, field] of cases) {
    t.match(
      await api.fails('CreateVm', urgent(change)),
      { code: status.INVALID_ARGUMENT, details: { fieldViolations: [{ field }] } },
      JSON.stringify(change),
    );
  }
  const requests = [{ ...urgent({ preemption: 'PREEMPTION_REPORT' }), requestId: '' }];
  t.match(await api.fails('BatchCreateVms', { parent: adm, requests }), {
    details: { fieldViolations: [{ field: 'requests[0].preemption' }] },
  });
});

test('a VM takes the room of one that was stopped for it, which says so, also after a restart, and comes back later', async (t) => {
  const confirm = async () =>
    urgent({
      preemption: 'PREEMPTION_CONFIRM',
      displaced: [{ vm: `vms/${uid}`, etag: await etagOf(batch) }],
    });
  t.match(await api.fails('CreateVm', await confirm()), {
    code: status.FAILED_PRECONDITION,
    reason: 'NOT_STOPPED',
  });
  await api.call('StopVm', { name: batch, etag: await etagOf(batch) });
  await federation.becomes(batch, 'is stopped', ({ state }) => state === 'VM_STATE_STOPPED');
  const seen = await api.call('CreateVm', { ...(await confirm()), validateOnly: true });
  t.equal(seen.vm?.host, 'hosts/a');
  t.equal((await federation.get(batch)).displacedFor, '', 'what is only validated takes nothing');
  const request = await confirm();
  const { vm } = await api.call('CreateVm', request);
  t.equal(vm?.host, 'hosts/a');
  t.match(await federation.get(batch), { displacedFor: `vms/${vm?.uid}`, host: 'hosts/a' });
  t.equal((await api.call('CreateVm', request)).vm?.uid, vm?.uid, 'asked again, it answers the same');
  t.match(await api.fails('StartVm', { name: batch }), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'NO_ROOM',
  });
  await federation.becomes(`${adm}/vms/urgent`, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  await scheduler.restart();
  t.match(await federation.get(batch), { displacedFor: `vms/${vm?.uid}` });
  t.match((await api.call('GetHost', { name: 'hosts/a' })).host?.claimed, {
    memoryMib: 2048,
    vms: 2,
    diskMib: 400,
  });
  await federation.reconnect('a', { obeys: true, ...sized(2048, 8) });
  await federation.hostBecomes('a', 'HOST_STATE_READY');
  await api.call('DeleteVm', { name: `${adm}/vms/urgent` });
  const names = async () => (await api.call('ListVms', {})).vms.map(({ name }) => name);
  await eventually('the urgent VM is gone', names, (left) => !left.includes(`${adm}/vms/urgent`));
  t.match(await api.call('StartVm', { name: batch }), { vm: { displacedFor: '' } });
});
