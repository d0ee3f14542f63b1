import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { inventory } from './agent.js';
import { adm, Federation, newVm } from './federation.js';
import { asked, refusedBy } from './questions.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const withExtras = (extras: Record<string, number>) => {
  const { total, ...rest } = inventory();
  return { inventory: { ...rest, total: { ...total, extras } } };
};
const gpus = withExtras({ 'gpu:a30': 2, 'sriov-vf': 8, 'Not Good': 1, none: 0 });
await federation.host('plain');
const agent = await federation.host('gpus', gpus);

test('a host shows its extras and what VMs hold of them, and its agent hears what a VM has', async (t) => {
  const vm = await federation.vm('one', asked({ extras: { 'sriov-vf': 3, 'gpu:a30': 1 } }));
  t.equal(vm.host, 'hosts/gpus');
  t.same(vm.spec?.extras, { 'gpu:a30': 1, 'sriov-vf': 3 });
  const heard = await agent.heard.next('Desired', ({ desired }) => desired?.uid === vm.uid);
  t.same(heard.desired?.spec?.extras, { 'gpu:a30': 1, 'sriov-vf': 3 });
  const { host } = await api.call('GetHost', { name: 'hosts/gpus' });
  t.same(host?.capacity?.extras, { 'gpu:a30': 2, 'sriov-vf': 8 }, 'what no VM could ask for is left out');
  t.same(host?.claimed?.extras, { 'gpu:a30': 1, 'sriov-vf': 3 });
});

test('claims on extras are there again after a restart', async (t) => {
  await scheduler.restart();
  await federation.reconnect('plain');
  await federation.reconnect('gpus', gpus);
  const { host } = await api.call('GetHost', { name: 'hosts/gpus' });
  t.same(host?.claimed?.extras, { 'gpu:a30': 1, 'sriov-vf': 3 });
  t.same((await federation.get(`${adm}/vms/one`)).spec?.extras, { 'gpu:a30': 1, 'sriov-vf': 3 });
});

test('a refusal and an explanation tell which extras are too few, and what would help', async (t) => {
  const vm = asked({ extras: { 'gpu:a30': 2 } });
  const refused = await refusedBy(api, vm);
  t.match(refused, {
    code: status.RESOURCE_EXHAUSTED,
    message:
      'no host can take VM "web" (1 vCPU, 1024 MiB memory, 200 MiB disk, 2 gpu:a30): of 2 hosts 2 lack extras (gpu:a30 on 2); with 1 gpu:a30 it would fit',
    details: {
      errorInfo: {
        metadata: {
          LACKS_EXTRA: '2',
          lacked_extras: 'gpu:a30 on 2',
          suggestion_field: 'spec.extras.gpu:a30',
          suggestion_value: '1',
        },
      },
    },
  });
  const answer = await api.call('ExplainPlacement', { parent: adm, vm });
  t.match(answer, {
    chosen: null,
    exclusions: [{ code: 'LACKS_EXTRA', hosts: 2, sole: 2, extras: { 'gpu:a30': 2 } }],
    nearestMisses: [{ code: 'LACKS_EXTRA', extra: 'gpu:a30', hosts: 2, missing: 1 }],
  });
});

test('a host with GPUs is the last choice of a VM without, and the answer says so', async (t) => {
  const plain = await api.call('ExplainPlacement', { parent: adm, vm: asked() });
  t.match(plain, {
    chosen: { host: 'hosts/plain', sparedForGpus: false },
    runnerUp: { host: 'hosts/gpus', sparedForGpus: true },
  });
  const vm = asked({ extras: { 'gpu:a30': 1, 'sriov-vf': 5 } });
  const answer = await api.call('ExplainPlacement', { parent: adm, vm });
  t.match(answer.chosen, { sparedForGpus: false, left: { extras: { 'gpu:a30': 0, 'sriov-vf': 0 } } });
  t.match(await api.call('EstimateCapacity', { parent: adm, vm: asked({ extras: { 'sriov-vf': 1 } }) }), {
    vms: 5,
    limited: false,
  });
});

test('extras that make no sense are refused, each by its name', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`kind-${index}`, 1]));
  const cases: [Record<string, number>, field: string, RegExp][] = [
    [{ GPU: 1 }, 'vm.spec.extras."GPU"', /a-z, 0-9/],
    [{ 'gpu:a30': 0 }, 'vm.spec.extras.gpu:a30', /from 1 to 64/],
    [{ 'gpu:a30': 65 }, 'vm.spec.extras.gpu:a30', /from 1 to 64/],
    [{ 'gpu:a30': -1 }, 'vm.spec.extras.gpu:a30', /from 1 to 64/],
    [many, 'vm.spec.extras', /17 entries, and at most 16/],
  ];
  for (const [extras, field, description] of cases) {
    const failure = await api.fails('CreateVm', newVm('x', asked({ extras })));
    t.match(failure, {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field, description }] },
    });
  }
});
