import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { CreateVmRequest } from '../../../proto/gen/secovia/v1/CreateVmRequest.js';
import { encode } from './client.js';
import { adm, Federation, newVm } from './federation.js';
import { Watcher } from './watcher.js';

// Leases are long: what an agent says would move the journal.
const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const agent = await federation.host('a');
await federation.vm('taken');

const only = (request: CreateVmRequest): CreateVmRequest => ({ ...request, validateOnly: true });
const batch = (...vmIds: string[]) => ({
  parent: adm,
  requests: vmIds.map((vmId) => ({ ...newVm(vmId), requestId: '' })),
  requestId: randomUUID(),
});

/** All that could have been left behind. */
async function everything(): Promise<object> {
  const { federation: summary } = await api.call('GetFederation', {});
  const { vms } = await api.call('ListVms', { pageSize: 1000 });
  const { operations } = await api.call('ListOperations', { pageSize: 1000 });
  const { host } = await api.call('GetHost', { name: 'hosts/a' });
  return { sequence: summary?.sequence, vms, operations, claimed: host?.claimed };
}

/** An answer without what is drawn anew for each call, and without times. */
function comparable(answer: object): unknown {
  const text = JSON.stringify(answer)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replace(/"(\w+Time)":\{[^}]*\}/g, '"$1":"TIME"');
  return JSON.parse(text);
}

test('a VM that is only validated is answered as if it were made, and nothing is kept', async (t) => {
  const before = await everything();
  const request = newVm('seen', { title: 'Seen', labels: { env: 'prod' } });
  const seen = await api.call('CreateVm', only(request));
  t.match(seen, {
    vm: { name: `${adm}/vms/seen`, title: 'Seen', state: 'VM_STATE_PLACED', host: 'hosts/a', etag: '"1"' },
    operation: { verb: 'create', done: false, targetCount: 1, progress: 'adm/seen is placed on a' },
  });
  t.equal(seen.vm?.operation, seen.operation?.name);
  t.same(await everything(), before);
  const missing = { code: status.NOT_FOUND };
  t.match(await api.fails('GetVm', { name: `${adm}/vms/seen` }), missing);
  t.match(await api.fails('GetVm', { name: `vms/${seen.vm?.uid}` }), missing);
  t.match(await api.fails('GetOperation', { name: seen.operation?.name ?? '' }), missing);
  const made = await api.call('CreateVm', { ...request, requestId: randomUUID() });
  t.same(comparable(made), comparable(seen), 'and what is made then is what was seen');
});

test('a batch that is only validated is answered as if, and nothing is kept', async (t) => {
  const request = batch('one', 'two', 'three');
  const before = await everything();
  const seen = await api.call('BatchCreateVms', { ...request, validateOnly: true });
  t.match(seen, { operation: { targetCount: 3, progress: 'adm/one is placed on a' } });
  t.same(
    seen.vms.map(({ name, host }) => [name, host]),
    ['one', 'two', 'three'].map((id) => [`${adm}/vms/${id}`, 'hosts/a']),
  );
  t.same(await everything(), before);
  t.same(comparable(await api.call('BatchCreateVms', request)), comparable(seen));
});

test('nobody hears of it: neither a watch nor the agent', async (t) => {
  const watcher = new Watcher(api);
  await watcher.next('SYNCED');
  await api.call('CreateVm', only(newVm('unheard')));
  await api.call('BatchCreateVms', { ...batch('unheard-1', 'unheard-2'), validateOnly: true });
  const { name, uid } = await federation.vm('heard');
  await watcher.next('UPDATED', name);
  await agent.desired('the VM that was made', (desired) => desired.uid === uid);
  t.notOk([...watcher.vms.values()].some((known) => known.includes('unheard')));
  const told = agent.heard.all.flatMap(({ desired }) => (desired ? [desired.uid] : []));
  const { vms } = await api.call('ListVms', {});
  t.same(new Set(told), new Set(vms.map((vm) => vm.uid)));
  watcher.cancel();
});

test('its request id is neither kept nor answered from what is kept', async (t) => {
  const request = newVm('idempotent');
  const first = await api.call('CreateVm', only(request));
  const second = await api.call('CreateVm', only(request));
  t.not(first.vm?.uid, second.vm?.uid, 'each is decided anew');
  const made = await api.call('CreateVm', request);
  t.not(made.vm?.uid, second.vm?.uid, 'the id was still free');
  t.match(await api.fails('CreateVm', only(request)), { code: status.ALREADY_EXISTS, reason: 'VM_EXISTS' });
  t.same(await api.call('CreateVm', request), made, 'and belongs to the call that made it');
  await scheduler.restart();
  await federation.reconnect('a');
  t.same(await api.call('CreateVm', request), made);
});

test('it is refused as the call itself is', async (t) => {
  const spec = { vcpus: 1, memoryMib: 100_000, diskMib: 200, image: 'images/tiny' };
  const requests: CreateVmRequest[] = [
    newVm('NOT GOOD', { spec: {} }),
    newVm('taken'),
    newVm('large', { spec }),
    newVm('fixed', { placement: { sites: ['sites/none'] } }),
    newVm('imageless', { spec: { ...spec, image: 'images/none' } }),
    { ...newVm('orphan'), parent: 'administrations/none' },
    { ...newVm('unnamed'), requestId: 'no-uuid' },
  ];
  for (const request of requests) {
    const before = await api.sequence();
    const seen = await api.fails('CreateVm', only(request));
    t.same(seen, await api.fails('CreateVm', request), seen.reason);
    t.equal(await api.sequence(), before);
  }
  const whole = { parent: adm, requests: requests.slice(2, 4).map((one) => ({ ...one, requestId: '' })) };
  t.same(
    await api.fails('BatchCreateVms', { ...whole, validateOnly: true }),
    await api.fails('BatchCreateVms', whole),
  );
});

test('a batch is validated as a whole: it cannot be asked of one of its VMs', async (t) => {
  const request = batch('first', 'second');
  request.requests[1] = only(request.requests[1] as CreateVmRequest) as (typeof request.requests)[0];
  t.match(await api.fails('BatchCreateVms', request), {
    code: status.INVALID_ARGUMENT,
    details: {
      fieldViolations: [
        { field: 'requests[1].validate_only', description: 'must be false; ask it of the whole batch' },
      ],
    },
  });
});

test('many validations at once are given the same room, and leave all of it', async (t) => {
  const before = await everything();
  const spec = { vcpus: 1, memoryMib: 40_000, diskMib: 200, image: 'images/tiny' };
  const bytes = encode('CreateVm', only(newVm('wide', { spec })));
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.bytes('CreateVm', bytes)));
  t.equal(answers.length, 50);
  t.same(await everything(), before);
  t.ok(await federation.vm('wide', { spec }));
});
