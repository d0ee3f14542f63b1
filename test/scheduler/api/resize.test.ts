/** A resize as callers see it over the contract: what is held, what is there now, and what waits, also after a restart. */
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { VmSize } from '../../../proto/gen/secovia/v1/VmSize.js';
import type { ScriptedAgent } from './agent.js';
import { adm, Federation } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
let agent = await federation.host('a');

const small = { vcpus: 1, memoryMib: 128, diskMib: 200 };
const large = { vcpus: 4, memoryMib: 512, diskMib: 400 };

/** The host's answer to the newest word about the VM, with what its domain has. */
async function answer(
  of: ScriptedAgent,
  uid: string,
  generation: number,
  size: VmSize,
  change: Parameters<ScriptedAgent['answer']>[1] = {},
): Promise<void> {
  const desired = await of.desired(
    `generation ${generation}`,
    (word) => word.uid === uid && word.generation === generation,
  );
  of.answer(desired, { size, toldGeneration: generation, ...change });
}

async function running(id: string) {
  const vm = await federation.vm(id);
  await answer(agent, vm.uid, 1, small);
  return federation.becomes(vm.name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
}

async function claimed(): Promise<VmSize> {
  const { host } = await api.call('GetHost', { name: 'hosts/a' });
  const { vcpus = 0, memoryMib = 0, diskMib = 0 } = host?.claimed ?? {};
  return { vcpus, memoryMib, diskMib };
}

const ended = async (name = '') => (await api.call('WaitOperation', { name })).operation;

test('a running VM: its host is held in both sizes until it has the new one, over a restart of the scheduler', async (t) => {
  const { name, uid } = await running('live');
  const grown = await api.call('ResizeVm', { name, ...large });
  t.match(grown.vm, { spec: large, currentSize: null, heldSize: null, restartRequired: false });
  const now = { ...large, memoryMib: 128 };
  await answer(agent, uid, 2, now);
  t.match(await ended(grown.operation?.name), { state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(await federation.get(name), { currentSize: now, heldSize: null, restartRequired: true });

  const back = await api.call('ResizeVm', { name, vcpus: 1 });
  t.match(back.vm, { spec: { ...large, vcpus: 1 }, heldSize: large, currentSize: null });
  await scheduler.restart();
  agent = await federation.reconnect('a');
  t.match(await federation.get(name), { heldSize: large });
  t.same(await claimed(), large);
  await answer(agent, uid, 3, now);
  t.match(await ended(back.operation?.name), { state: 'OPERATION_STATE_SUCCEEDED' });
  const waiting = { currentSize: now, heldSize: large, restartRequired: true };
  t.match(await federation.get(name), waiting, 'vCPUs are not taken from a running guest');
  const { vms } = await api.call('ListVms', { parent: adm, filter: 'restart_required = true' });
  t.same(
    vms.map((vm) => vm.uid),
    [uid],
  );

  const { operation } = await api.call('RebootVm', { name });
  t.match(await federation.get(name), waiting);
  await answer(agent, uid, 4, { ...large, vcpus: 1 });
  t.match(await ended(operation?.name), { state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(await federation.get(name), { currentSize: null, heldSize: null, restartRequired: false });
  t.same(await claimed(), { ...large, vcpus: 1 });
  await api.call('DeleteVm', { name });
  await answer(agent, uid, 5, small, { state: 'DOMAIN_STATE_ABSENT', size: null });
});

test('a resize that the host cannot do fails with its reason, and the VM is what it was', async (t) => {
  const { name, uid } = await running('full');
  const { operation } = await api.call('ResizeVm', { name, diskMib: 300 });
  const error = { code: status.RESOURCE_EXHAUSTED, message: 'no space left' };
  await answer(agent, uid, 2, small, { generation: 1, error });
  t.match(await ended(operation?.name), { state: 'OPERATION_STATE_FAILED', error });
  t.match(await federation.get(name), { spec: small, heldSize: { ...small, diskMib: 300 } });
  await answer(agent, uid, 3, small);
  await federation.becomes(name, 'holds what it was', ({ heldSize }) => heldSize === null);
  const cancelled = await api.call('ResizeVm', { name, vcpus: 2 });
  await api.call('CancelOperation', { name: cancelled.operation?.name ?? '' });
  t.match(await federation.get(name), { spec: small, heldSize: { ...small, vcpus: 2 }, generation: 5 });
  await answer(agent, uid, 5, small);
  await federation.becomes(name, 'holds what it was', ({ heldSize }) => heldSize === null);
});

test('what a host cannot give, and sizes that no VM can have, change nothing', async (t) => {
  const { name } = await federation.get('administrations/adm/vms/full');
  const before = await api.sequence();
  t.match(await api.fails('ResizeVm', { name, vcpus: 512 }), {
    code: status.RESOURCE_EXHAUSTED,
    details: { errorInfo: { reason: 'NO_ROOM' } },
  });
  t.match(await api.fails('ResizeVm', { name, diskMib: 100 }), {
    code: status.INVALID_ARGUMENT,
    details: { fieldViolations: [{ field: 'disk_mib', description: 'at least 200, its size now' }] },
  });
  t.equal(await api.sequence(), before);
});

test('an agent that says a size which no VM can have has said nothing', async (t) => {
  const { name, uid } = await running('odd');
  const { operation } = await api.call('ResizeVm', { name, vcpus: 2 });
  await answer(agent, uid, 2, { vcpus: -5, memoryMib: 2 ** 30, diskMib: 0 });
  t.match(await ended(operation?.name), { state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(await federation.get(name), { currentSize: null, heldSize: null });
});
