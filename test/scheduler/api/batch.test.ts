import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { unpackStatus } from '../../../proto/errors.js';
import type { BatchCreateVmsResponse__Output } from '../../../proto/gen/secovia/v1/BatchCreateVmsResponse.js';
import type { CreateVmRequest } from '../../../proto/gen/secovia/v1/CreateVmRequest.js';
import { inventory } from './agent.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api } = federation;
await federation.host('a');

const bestEffort = (requests: CreateVmRequest[]) => ({
  parent: adm,
  requests: requests.map((each) => ({ ...each, parent: '', requestId: '' })),
  requestId: randomUUID(),
  mode: 'BATCH_MODE_BEST_EFFORT' as const,
});

const large = (vmId: string) => {
  const request = newVm(vmId);
  return { ...request, vm: { ...request.vm, spec: { ...request.vm?.spec, memoryMib: 10_000_000 } } };
};

/** What was made and what was refused. */
function outcome({ vms, operation, refused }: BatchCreateVmsResponse__Output) {
  return {
    made: vms.map(({ name }) => name.split('/').at(-1)),
    targets: operation?.targetCount ?? null,
    refused: refused.map(({ index, vmId, status: why }) => [index, vmId, why?.code]),
  };
}

test('of a batch of best effort each refused VM has the status of a refused call', async (t) => {
  const batch = bestEffort([newVm('one'), large('two'), newVm('one'), newVm('four')]);
  const answer = await api.call('BatchCreateVms', batch);
  t.same(outcome(answer), {
    made: ['one', 'four'],
    targets: 2,
    refused: [
      [1, 'two', status.RESOURCE_EXHAUSTED],
      [2, 'one', status.ALREADY_EXISTS],
    ],
  });
  const why = answer.refused[0]?.status;
  const alone = await api.fails('CreateVm', large('two'));
  t.equal(why?.message, alone.message);
  t.same(why === null || why === undefined ? null : unpackStatus(why), alone.details);
  const again = await api.call('BatchCreateVms', batch);
  t.same(again, answer, 'asked again with the same id, it answers the same');
});

test('a batch of best effort that is only validated says what would become of it', async (t) => {
  const { vms: before } = await api.call('ListVms', { pageSize: 1000 });
  const batch = bestEffort([large('big'), newVm('seen')]);
  const seen = outcome(await api.call('BatchCreateVms', { ...batch, validateOnly: true }));
  t.match(seen, { made: ['seen'], refused: [[0, 'big', status.RESOURCE_EXHAUSTED]] });
  t.same((await api.call('ListVms', { pageSize: 1000 })).vms, before);
  t.same(outcome(await api.call('BatchCreateVms', batch)), seen);
});

test('a batch of best effort is refused whole for what is wrong with the call', async (t) => {
  const wrong = bestEffort([newVm('fine'), { ...newVm('x'), vmId: 'NOT GOOD' }]);
  t.match(await api.fails('BatchCreateVms', wrong), {
    code: status.INVALID_ARGUMENT,
    reason: 'INVALID_FIELDS',
  });
  const nobodys = { ...bestEffort([newVm('fine')]), parent: 'administrations/none' };
  t.match(await api.fails('BatchCreateVms', nobodys), { code: status.NOT_FOUND });
  t.match(await api.fails('GetVm', { name: `${adm}/vms/fine` }), { code: status.NOT_FOUND });
});

test('a batch of ten thousand is answered, made or refused', async (t) => {
  const names = Array.from({ length: 10_000 }, (_, index) => `many-${index}`);
  const refused = await api.call('BatchCreateVms', bestEffort(names.map(large)));
  t.match([refused.vms.length, refused.operation, refused.refused.length], [0, null, 10_000]);
  await federation.host('b', { inventory: inventory(200) });
  const made = await api.call('BatchCreateVms', bestEffort(names.map((name) => newVm(name))));
  t.match([made.vms.length, made.operation?.targetCount], [10_000, 10_000]);
  t.equal(made.refused.length, 0);
});
