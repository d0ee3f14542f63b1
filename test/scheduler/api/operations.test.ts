import { Metadata, status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { eventually } from '../within.js';
import { inventory } from './agent.js';
import { definitionOf, encode, failureOf } from './client.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api } = federation;
const agent = await federation.host('a', { inventory: inventory(4) });

/** A creation that waits until the agent says something. */
async function pending(vmId: string) {
  const { vm, operation } = await api.call('CreateVm', newVm(vmId));
  const desired = await agent.desired(vmId, ({ uid }) => uid === vm?.uid);
  return { name: operation?.name ?? '', vm, desired };
}

test('waiting for an operation answers when it is done', async (t) => {
  const { name, desired } = await pending('awaited');
  const waiting = api.call('WaitOperation', { name });
  agent.answer(desired);
  t.match((await waiting).operation, { name, done: true, state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(
    (await api.call('WaitOperation', { name })).operation,
    { done: true },
    'also when it is done already',
  );
  t.match((await api.call('GetOperation', { name })).operation, { done: true, endTime: { seconds: Number } });
});

test('waiting ends when the time is up, with the operation as it is', async (t) => {
  const { name, vm, desired } = await pending('slow');
  const { operation } = await api.call('WaitOperation', { name, timeout: { seconds: 0, nanos: 1_000_000 } });
  t.match(operation, { done: false, state: 'OPERATION_STATE_RUNNING', endTime: null });
  t.match(operation?.progress, /adm\/slow is placed on a/);
  agent.answer(desired, {
    state: 'DOMAIN_STATE_PREPARING',
    error: { code: 14, message: 'the image server does not answer', details: [] },
  });
  await federation.becomes(vm?.name ?? '', 'is prepared', ({ state }) => state === 'VM_STATE_PREPARING');
  const later = await api.call('WaitOperation', { name, timeout: { seconds: 0 } });
  t.match(later.operation?.progress, /preparing on a: the image server does not answer/);
  agent.answer(desired);
  t.match((await api.call('WaitOperation', { name })).operation, { done: true, progress: '' });
});

test('an operation that failed says why', async (t) => {
  const { name, desired } = await pending('refused');
  agent.answer(desired, {
    state: 'DOMAIN_STATE_REFUSED',
    error: { code: status.RESOURCE_EXHAUSTED, message: 'no space left', details: [] },
  });
  t.match((await api.call('WaitOperation', { name })).operation, {
    state: 'OPERATION_STATE_FAILED',
    failedCount: 1,
    error: { code: status.RESOURCE_EXHAUSTED, message: 'no space left' },
  });
  t.match(await federation.get(`${adm}/vms/refused`), { state: 'VM_STATE_FAILED', host: '', site: '' });
  await api.call('DeleteVm', { name: `${adm}/vms/refused` });
});

test('an operation that is not there is refused, whatever is asked of it', async (t) => {
  for (const method of ['GetOperation', 'WaitOperation', 'CancelOperation'] as const) {
    t.match(
      await api.fails(method, { name: 'operations/none' }),
      { code: status.NOT_FOUND, reason: 'OPERATION_NOT_FOUND' },
      method,
    );
    t.match(await api.fails(method, { name: 'none' }), { code: status.INVALID_ARGUMENT }, method);
  }
});

test('a time to wait must make sense', async (t) => {
  const { name, desired } = await pending('timed');
  for (const timeout of [
    { seconds: -1 },
    { seconds: 301 },
    { seconds: 0, nanos: -1 },
    { seconds: 300, nanos: 1 },
    { seconds: Number.MAX_SAFE_INTEGER },
  ]) {
    t.match(
      await api.fails('WaitOperation', { name, timeout }),
      { code: status.INVALID_ARGUMENT, details: { fieldViolations: [{ field: 'timeout' }] } },
      JSON.stringify(timeout),
    );
  }
  agent.answer(desired);
});

test('a caller who goes away is not waited for', async (t) => {
  const { name, desired } = await pending('abandoned');
  const { path } = definitionOf('WaitOperation');
  const failures: number[] = [];
  for (let index = 0; index < 20; index += 1) {
    const call = api.channel.makeUnaryRequest(
      path,
      (value: Buffer) => value,
      (value: Buffer) => value,
      encode('WaitOperation', { name }),
      new Metadata(),
      {},
      (error) => failures.push(error?.code ?? 0),
    );
    call.cancel();
  }
  await eventually(
    'all are over',
    () => failures.length,
    (length) => length === 20,
  );
  t.same(new Set(failures), new Set([status.CANCELLED]));
  agent.answer(desired);
  t.match((await api.call('WaitOperation', { name })).operation, { done: true });
});

test('many wait for one operation, and all are answered', async (t) => {
  const { name, desired } = await pending('popular');
  const waiting = Promise.all(Array.from({ length: 200 }, () => api.call('WaitOperation', { name })));
  agent.answer(desired);
  const done = (await waiting).filter(({ operation }) => operation?.done);
  t.equal(done.length, 200);
});

test('a cancelled creation is deleted, and its operation stays cancelled', async (t) => {
  const { name, vm } = await pending('cancelled');
  const waiting = api.call('WaitOperation', { name });
  t.match((await api.call('CancelOperation', { name })).operation, {
    state: 'OPERATION_STATE_CANCELLED',
    done: true,
    error: { code: status.CANCELLED },
  });
  t.match((await waiting).operation, { state: 'OPERATION_STATE_CANCELLED' });
  const deletion = await agent.desired('the deletion', ({ uid }) => uid === vm?.uid);
  t.equal(deletion.role, 'VM_ROLE_DELETED');
  agent.answer(deletion);
  await eventually(
    'it is gone',
    () =>
      api.call('GetVm', { name: vm?.name ?? '' }).then(
        () => 0,
        (error) => failureOf(error).code,
      ),
    (code) => code === status.NOT_FOUND,
  );
  t.match(await api.fails('CancelOperation', { name }), {
    code: status.FAILED_PRECONDITION,
    reason: 'OPERATION_ENDED',
  });
  t.match((await api.call('GetOperation', { name })).operation, { state: 'OPERATION_STATE_CANCELLED' });
});

test('a newer order supersedes the one under way, which says by what', async (t) => {
  const { name, vm, desired } = await pending('superseded');
  agent.answer(desired);
  await api.call('WaitOperation', { name });
  const stop = await api.call('StopVm', { name: vm?.name });
  const start = await api.call('StartVm', { name: vm?.name });
  t.match((await api.call('GetOperation', { name: stop.operation?.name })).operation, {
    state: 'OPERATION_STATE_CANCELLED',
    error: { message: `superseded by ${start.operation?.name} (start)` },
  });
  agent.answer(await agent.desired('the start', ({ generation }) => generation === 3));
  t.match((await api.call('WaitOperation', { name: start.operation?.name })).operation, {
    state: 'OPERATION_STATE_SUCCEEDED',
  });
});

test('an operation of many VMs shows a hundred of them, and counts all', async (t) => {
  const requests = Array.from({ length: 150 }, (_, index) => ({
    ...newVm(`b-${index}`),
    parent: '',
    requestId: '',
  }));
  const { operation } = await api.call('BatchCreateVms', { parent: adm, requests });
  t.equal(operation?.targets.length, 100);
  t.equal(operation?.targetCount, 150);
});
