/** Orphans that are adopted over the wire, from the report of their host to the VM that its owner sees. */
import { status } from '@grpc/grpc-js';
import { test } from 'tap';
import type { AdoptVmRequest } from '../../../proto/gen/secovia/v1/AdoptVmRequest.js';
import type { Orphan } from '../../../proto/gen/secovia/v1/Orphan.js';
import { eventually } from '../within.js';
import { report, type ScriptedAgent } from './agent.js';
import { Federation } from './federation.js';

const uid = '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11';

const orphan: Orphan = {
  uid,
  kind: 'ORPHAN_KIND_DOMAIN',
  vmName: 'administrations/old/vms/mail',
  running: true,
  resources: { vcpus: 2, memoryMib: 2048, diskMib: 4000, extras: {} },
  term: 3,
  generation: 7,
  rebootCount: 2,
};

const adoption: AdoptVmRequest = {
  parent: 'administrations/adm',
  vmId: 'mail',
  host: 'hosts/a',
  orphan: uid,
  vm: { title: 'Mail', spec: { image: 'images/tiny' } },
};

const reported = (one: Orphan = orphan) => ({
  ...report,
  orphans: [one.kind === 'ORPHAN_KIND_DISK' ? `volume ${one.uid}.qcow2` : `domain mail ${one.uid}`],
  orphanVms: [one],
});

async function withOrphan(federation: Federation, one: Orphan = orphan): Promise<ScriptedAgent> {
  const agent = await federation.host('a', { report: reported(one) });
  await described(federation, 1);
  return agent;
}

/** The host is ready, and so many of its orphans are described. */
async function described(federation: Federation, count: number): Promise<void> {
  await eventually(
    `${count} orphans are described`,
    async () => (await federation.api.call('GetHost', { name: 'hosts/a' })).host,
    (host) => host?.orphanVms.length === count && host.state === 'HOST_STATE_READY',
  );
}

test('a host shows what it has read of its orphans', async (t) => {
  const federation = await Federation.start(t);
  await withOrphan(federation);
  const { host } = await federation.api.call('GetHost', { name: 'hosts/a' });
  t.match(host, { orphans: [`domain mail ${uid}`], orphanVms: [orphan] });
});

test('an orphan is adopted, taken over by its host, and its owner’s from then on', async (t) => {
  const federation = await Federation.start(t);
  const { api } = federation;
  const agent = await withOrphan(federation);
  await api.call('SetQuota', { parent: adoption.parent, limit: { vcpus: 2 } });
  const request = { ...adoption, requestId: '11111111-2222-4333-8444-555555555555' };
  const { vm, operation } = await api.call('AdoptVm', request);
  t.match(vm, {
    name: 'administrations/adm/vms/mail',
    uid,
    title: 'Mail',
    host: 'hosts/a',
    desiredPowerState: 'POWER_STATE_RUNNING',
    spec: { vcpus: 2, memoryMib: 2048, diskMib: 4000, image: 'images/tiny' },
  });
  t.match(operation, { verb: 'adopt', done: false, targets: [`vms/${uid}`] });
  t.same(await api.call('AdoptVm', request), { vm, operation }, 'asked twice it is done once');
  const desired = await agent.desired('the orphan');
  t.match(desired, { uid, role: 'VM_ROLE_RUN', adoption: 'ADOPTION_DOMAIN', term: 4, generation: 8 });
  t.match(desired, { rebootCount: 2, vmName: 'administrations/adm/vms/mail' });
  agent.send({ report });
  agent.answer(desired);
  const { operation: ended } = await api.call('WaitOperation', { name: operation?.name ?? '' });
  t.match(ended, { state: 'OPERATION_STATE_SUCCEEDED' });
  t.match(await federation.get('administrations/adm/vms/mail'), { state: 'VM_STATE_RUNNING', term: 4 });
  const { host } = await api.call('GetHost', { name: 'hosts/a' });
  t.match(host, { claimed: { vcpus: 2, memoryMib: 2048, vms: 1 } });
  t.match(await api.call('VerifyQuotas', {}), { differences: [] });
  const { events } = await api.call('ListEvents', { about: `vms/${uid}` });
  t.ok(
    events.some(({ message }) => /^adopted VM administrations\/adm\/vms\/mail on host a$/.test(message)),
    'the record says so',
  );
});

test('what the host cannot take over any more is no VM', async (t) => {
  const federation = await Federation.start(t);
  const agent = await withOrphan(federation);
  const { operation } = await federation.api.call('AdoptVm', adoption);
  const desired = await agent.desired('the orphan');
  agent.answer(desired, {
    state: 'DOMAIN_STATE_REFUSED',
    error: { code: 9, message: 'its domain is not on this host any more' },
  });
  const { operation: ended } = await federation.api.call('WaitOperation', { name: operation?.name ?? '' });
  t.match(ended, { state: 'OPERATION_STATE_FAILED', error: { message: /not on this host any more/ } });
  t.match(await federation.api.fails('GetVm', { name: `vms/${uid}` }), { code: status.NOT_FOUND });
});

test('a request that makes no sense is told all that is wrong with it', async (t) => {
  const federation = await Federation.start(t);
  const { api } = federation;
  await withOrphan(federation);
  const wrong = await api.fails('AdoptVm', {
    ...adoption,
    vmId: 'No Name',
    orphan: 'mail',
    vm: {
      spec: { memoryMib: 3, storagePool: 'storagePools/san', hugepageSizeKib: 2048, numa: { cells: 1 } },
      desiredPowerState: 'POWER_STATE_STOPPED',
    },
  });
  t.match(wrong, { code: status.INVALID_ARGUMENT });
  const fields = [
    'vm_id',
    'orphan',
    'vm.spec.memory_mib',
    'vm.spec.storage_pool',
    'vm.spec.hugepage_size_kib',
  ];
  for (const field of [...fields, 'vm.spec.numa', 'vm.desired_power_state'])
    t.match(wrong.message, new RegExp(`${field}:`));
  t.match(await api.fails('AdoptVm', { ...adoption, vm: null }), { code: status.INVALID_ARGUMENT });
  const other = { ...adoption, orphan: '7f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a22' };
  t.match(await api.fails('AdoptVm', other), { code: status.NOT_FOUND, reason: 'ORPHAN_NOT_FOUND' });
  t.match(await api.fails('AdoptVm', { ...adoption, host: 'hosts/none' }), { reason: 'HOST_NOT_FOUND' });
  const larger = { ...adoption, vm: { spec: { vcpus: 9, image: 'images/tiny' } } };
  t.match(await api.fails('AdoptVm', larger), {
    code: status.INVALID_ARGUMENT,
    reason: 'ORPHAN_IS_OTHERWISE',
  });
  t.match(await api.fails('AdoptVm', { ...adoption, vm: {} }), { reason: 'ORPHAN_NOT_KNOWN' });
  t.ok(await api.call('AdoptVm', adoption));
});

test('nothing is adopted from a host whose agent is away', async (t) => {
  const federation = await Federation.start(t);
  const agent = await withOrphan(federation);
  agent.cut();
  await federation.hostBecomes('a', 'HOST_STATE_SUSPECT');
  t.match(await federation.api.fails('AdoptVm', adoption), {
    code: status.FAILED_PRECONDITION,
    reason: 'HOST_NOT_READY',
  });
});

test('what an agent reports that no VM can be is shown to people, and adopted by nobody', async (t) => {
  const federation = await Federation.start(t);
  const agent = await withOrphan(federation);
  for (const change of [{ term: 2 ** 30 }, { resources: { vcpus: 100_000 } }, { hugepageSizeKib: 3 }]) {
    agent.send({ report: reported({ ...orphan, ...change }) });
    await described(federation, 0);
    t.match(await federation.api.fails('AdoptVm', adoption), { reason: 'ORPHAN_NOT_READ' });
    agent.send({ report: reported() });
    await described(federation, 1);
  }
});
