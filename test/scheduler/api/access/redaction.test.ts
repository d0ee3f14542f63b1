/** What answers leave out for whom: other tenants' use, other partners' hosts, and what owners call their VMs. */
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Told } from '../../../../scheduler/core/accounting/questions.js';
import { definitionOf } from '../client.js';
import { identityCaller, place, settle } from './callers.js';
import { serve } from './server.js';

let told: Told[] = [];
const { world, as, root } = await serve(
  tap,
  (fresh) => {
    settle(fresh);
    place(fresh, 'mk-city', 'guest', 'zagreb');
    const dedicated = { type: 'host.update', id: 'zg-2', dedicatedTo: 'hr', etag: '' } as const;
    fresh.run(dedicated);
  },
  {
    ask: async (_question, take) => {
      for (const piece of told) await take(piece);
      return null;
    },
  },
);
const { state } = world;
const of = (id: string) => as(identityCaller(state, id));
const spec = { vcpus: 1, memoryMib: 128, diskMib: 200, image: 'images/tiny' };
const everything = JSON.stringify;

test('a tenant sees in what state the hosts of its VMs are, and not what else is there', async (t) => {
  const { host } = await of('mk-user').call('GetHost', { name: 'hosts/zg-1' });
  t.match(host, { name: 'hosts/zg-1', site: 'sites/zagreb', state: 'HOST_STATE_READY', cordoned: false });
  t.match(host, { capacity: null, claimed: null, inventory: null, dedicatedTo: '', certificates: [] });
  const { host: own } = await of('hr-user').call('GetHost', { name: 'hosts/zg-2' });
  t.match(own, { dedicatedTo: 'administrations/hr', capacity: { vcpus: 64 } }, 'of its own it sees all');
  const { host: whole } = await of('north-op').call('GetHost', { name: 'hosts/zg-1' });
  t.match(whole, { capacity: { vcpus: 64 }, claimed: { vms: 4 } });
});

test('hosts cannot be asked for by what is not shown of them', async (t) => {
  world.run({ type: 'host.update', id: 'zg-1', dedicatedTo: 'mk', etag: '' });
  const filter = 'dedicated_to = "administrations/mk"';
  t.equal((await of('hr-user').call('ListHosts', { filter })).hosts.length, 0);
  t.equal((await of('mk-user').call('ListHosts', { filter })).hosts.length, 1);
  world.run({ type: 'host.update', id: 'zg-1', dedicatedTo: null, etag: '' });
});

test("an operator sees of a tenant's VM what it takes to run it", async (t) => {
  const name = 'administrations/mk/vms/guest';
  const { vm } = await of('north-op').call('GetVm', { name });
  t.match(vm, { name, spec: { vcpus: 1, memoryMib: 1024 }, state: 'VM_STATE_PLACED', host: 'hosts/zg-1' });
  t.match(vm, { title: '', labels: {}, placement: null, dataClass: 'dataClasses/internal', etag: '' });
  t.match((await of('mk-user').call('GetVm', { name })).vm, {
    title: 'title of guest',
    labels: { owner: 'mk' },
  });
  for (const filter of ['labels.owner = mk', 'title = "title of guest"', 'priority = NORMAL'])
    t.match(await of('north-op').fails('ListVms', { filter }), { code: status.INVALID_ARGUMENT }, filter);
});

test('partners, agreements, pools and administrations without the numbers of others', async (t) => {
  const { partner } = await of('mk-user').call('GetPartner', { name: 'partners/north' });
  t.match(partner, { title: '', country: 'HR', offered: null, heldByOthers: null, siteCount: 1 });
  t.match((await of('north-op').call('GetPartner', { name: 'partners/north' })).partner, {
    offered: { vcpus: 128 },
  });
  const used = async (who: string, name: string) =>
    (await of(who).call('GetAgreement', { name: `agreements/${name}` })).agreement?.used ?? null;
  t.equal((await used('mk-admin', 'north-mk'))?.vms, 2, 'all that is held under it is its own');
  t.equal((await used('north-op', 'north-mk'))?.vms, 2);
  t.equal(await used('hr-admin', 'south-north'), null, 'others of the partner use it as well');
  t.match((await of('hr-user').call('GetStoragePool', { name: 'storagePools/zg-pool' })).storagePool, {
    site: 'sites/zagreb',
    path: '',
    hosts: [],
    capacityMib: 0,
  });
  const { administration } = await of('north-op').call('GetAdministration', {
    name: 'administrations/mk-city',
  });
  t.match(administration, { country: 'MK', parent: 'administrations/mk', claimed: null });
  t.match(
    (await of('mk-user').call('GetAdministration', { name: 'administrations/mk-city' })).administration,
    {
      claimed: { vms: 2 },
    },
  );
  const { site } = await of('mk-user').call('GetSite', { name: 'sites/zagreb' });
  t.equal(site?.hostCount, 0);
});

test('administrations of a partner that are out of sight are not named, nor taken for all', async (t) => {
  world.run({ type: 'partner.update', id: 'east', administrations: ['rs-city'], etag: '' });
  const { partner } = await of('mk-user').call('GetPartner', { name: 'partners/east' });
  t.same(partner?.administrations, ['administrations/-']);
  world.run({ type: 'partner.update', id: 'east', administrations: [], etag: '' });
});

test('the summary counts what is in sight', async (t) => {
  const counts = async (who: string) => {
    const { federation } = await of(who).call('GetFederation', {});
    return [federation?.siteCount, federation?.hostCount, federation?.vmCount];
  };
  t.same(await counts('root'), [3, 4, 6]);
  t.same(await counts('north-op'), [3, 2, 4]);
  t.same(await counts('hr-user'), [3, 2, 2]);
  t.same(await counts('mk-user'), [3, 2, 3]);
});

test('of the quota of an administration above it a tenant is told that it is used up, and whose it is', async (t) => {
  const scope = { kind: 'everywhere' } as const;
  const limit = { vcpus: 3 };
  world.run({ type: 'quota.set', administration: 'hr', scope, limit, etag: '' });
  const request = { parent: 'administrations/hr-city', vmId: 'big', vm: { spec: { ...spec, vcpus: 5 } } };
  const full = await of('hr-admin').fails('CreateVm', request);
  t.match(full, { code: status.RESOURCE_EXHAUSTED, reason: 'QUOTA_EXCEEDED' });
  t.match(full.message, /may use .*vCPU.* and uses \d/);
  t.match(full.details.errorInfo?.metadata, { limit: /\d/, used: /\d/ });
  const discreet = await of('city-admin').fails('CreateVm', request);
  t.match(discreet, { code: status.RESOURCE_EXHAUSTED, reason: 'QUOTA_EXCEEDED' });
  t.match(discreet.message, /^the quota of administration "hr" everywhere is used up/);
  t.notMatch(everything(discreet), /uses \d|limit|"used"|"left"/);
  t.match(discreet.details.quota, [
    { subject: 'administrations/hr/quotas/everywhere', description: /is used up/ },
  ]);
  const batch = {
    parent: request.parent,
    requests: [{ vmId: 'big', vm: request.vm }],
    mode: 'BATCH_MODE_BEST_EFFORT' as const,
  };
  const { refused } = await of('city-admin').call('BatchCreateVms', batch);
  t.match(refused[0]?.status?.message, /^the quota of administration "hr" everywhere is used up/);
  const explained = await of('city-admin').call('ExplainPlacement', {
    parent: request.parent,
    vm: request.vm,
  });
  t.match(explained.refusal, /is used up/);
  t.notMatch(explained.refusal, /uses \d/);
  world.run({ type: 'quota.set', administration: 'hr', scope, limit: { vcpus: 100 }, etag: '' });
});

test('of a host that is full its tenants are told what it lacks, and not what it has', async (t) => {
  const name = 'administrations/mk/vms/guest';
  const vm = state.vmByName('mk', 'guest');
  if (vm === undefined) throw new Error('no VM');
  world.see(vm, 'running');
  const resize = { name, vcpus: 400 };
  const scope = { kind: 'everywhere' } as const;
  world.run({ type: 'quota.set', administration: 'mk', scope, limit: { vcpus: 1000 }, etag: '' });
  world.run({ type: 'agreement.update', id: 'north-mk', limit: {}, etag: '' });
  const failure = await of('mk-user').fails('ResizeVm', resize);
  t.match(failure, { reason: 'NO_ROOM', message: 'host "zg-1" has no room for it to grow (it lacks vCPUs)' });
  t.match((await root.fails('ResizeVm', resize)).message, /399 more needed, \d+ free/);
});

test('of a pool that is full tenants are not told how much is left', async (t) => {
  const request = {
    parent: 'administrations/mk',
    vmId: 'big',
    vm: { spec: { ...spec, diskMib: 200_000, storagePool: 'storagePools/zg-pool' } },
  };
  const failure = await of('mk-user').fails('CreateVm', request);
  t.match(failure.message, /has too little left, and the disk needs 200000 MiB/);
  t.same(failure.details.errorInfo?.metadata, {});
  t.match((await root.fails('CreateVm', request)).message, /has 100000 MiB left/);
});

test('where a VM would go is told by its site to who does not see the host', async (t) => {
  const parent = 'administrations/rs';
  world.run({
    type: 'identity.create',
    id: 'rs-admin',
    title: '',
    role: 'administration_administrator',
    partner: null,
    administration: 'rs',
    serves: [],
  });
  const certificate = { serial: 'rs-admin-1', issuedMs: world.nowMs, endMs: world.nowMs + 1e9 };
  world.run({ type: 'identity.certify', id: 'rs-admin', certificate });
  world.host('bg-2', 'beograd', { vcpus: 32 });
  const wished = { spec: { ...spec, vcpus: 30 }, placement: { excludedHosts: ['hosts/bg-1'] } };
  const explained = await of('rs-admin').call('ExplainPlacement', { parent, vm: wished });
  t.match(explained.chosen, { host: 'hosts/-', site: 'sites/beograd', left: null, contentStartTime: null });
  const seen = await of('rs-admin').call('CreateVm', { parent, vmId: 'x', vm: wished, validateOnly: true });
  t.match(seen, { vm: { host: '', site: 'sites/beograd' }, operation: { progress: 'rs/x is placed' } });
  t.match((await root.call('ExplainPlacement', { parent, vm: wished })).chosen, {
    host: 'hosts/bg-2',
    left: { vcpus: 2 },
  });
  const made = await of('rs-admin').call('CreateVm', { parent, vmId: 'x', vm: wished });
  t.match(made, { vm: { host: 'hosts/bg-2' } }, 'of its own VM it is told');
});

test('an operator is told how much fits on its own sites', async (t) => {
  const request = { parent: 'administrations/mk', vm: { spec: { ...spec, vcpus: 10 } } };
  const all = await root.call('EstimateCapacity', request);
  const { vms, sites } = await of('north-op').call('EstimateCapacity', request);
  t.ok(all.sites.some(({ site }) => site === 'sites/skopje'));
  t.same(
    sites.map(({ site }) => site),
    ['sites/zagreb'],
  );
  t.equal(vms, sites[0]?.vms);
});

test('an operator sees of an operation what concerns its hosts', async (t) => {
  const two = ['zagreb', 'skopje'].map((site) => ({
    vmId: `at-${site}`,
    vm: { spec, placement: { sites: [`sites/${site}`] } },
  }));
  const { operation } = await of('mk-admin').call('BatchCreateVms', {
    parent: 'administrations/mk',
    requests: two,
  });
  t.equal(operation?.targetCount, 2);
  const { operation: seen } = await of('north-op').call('GetOperation', { name: operation?.name ?? '' });
  t.equal(seen?.targetCount, 1);
  t.match(seen?.progress, /^mk\/at-zagreb is placed on zg-/);
  t.match(
    (await of('mk-user').call('WaitOperation', { name: operation?.name ?? '', timeout: { seconds: 0 } }))
      .operation,
    {
      targetCount: 2,
    },
  );
});

test('an operation is its administration’s after its VM is gone', async (t) => {
  const { vm } = await of('mk-admin').call('CreateVm', {
    parent: 'administrations/mk',
    vmId: 'short',
    vm: { spec, placement: { sites: ['sites/zagreb'] } },
  });
  const made = state.vms.get(vm?.uid ?? '');
  if (made === undefined) throw new Error('no VM');
  const { operation } = await of('mk-admin').call('DeleteVm', { name: vm?.name ?? '' });
  world.see(made, 'absent');
  t.equal(state.vms.has(made.uid), false);
  const name = operation?.name ?? '';
  t.match((await of('mk-user').call('GetOperation', { name })).operation, {
    state: 'OPERATION_STATE_SUCCEEDED',
  });
  t.match(await of('hr-user').fails('GetOperation', { name }), { code: status.NOT_FOUND });
  t.match(await of('north-op').fails('GetOperation', { name }), { code: status.NOT_FOUND });
});

test('a repeated call gets its first answer though what it was about is gone', async (t) => {
  const api = of('mk-admin');
  const request = {
    administrationId: 'mk-gone',
    administration: { parent: 'administrations/mk', country: 'MK' },
  };
  await api.call('CreateAdministration', request);
  const requestId = '0b7c4c39-61a0-4d3e-9a53-1f6d2f5f0001';
  const deletion = { name: 'administrations/mk-gone', requestId };
  await api.call('DeleteAdministration', deletion);
  t.same(await api.call('DeleteAdministration', deletion), {});
  t.match(await api.fails('DeleteAdministration', { ...deletion, requestId: '' }), {
    code: status.NOT_FOUND,
  });
});

/** The messages of a stream, until it ends. */
function streamed(who: string, method: 'ReportUsage' | 'SettleMonth', request: object): Promise<object[]> {
  const { path, requestSerialize, responseDeserialize } = definitionOf(method);
  return new Promise((resolve, reject) => {
    const messages: object[] = [];
    of(who)
      .channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
      .on('data', (message: object) => messages.push(message))
      .on('error', reject)
      .on('end', () => resolve(messages));
  });
}

test('a report of use shows an operator its own sites', async (t) => {
  const segment = (administration: string, partner: string) => ({
    uid: 'u',
    administration,
    vm: 'web',
    place: { host: 'h', site: 's', country: 'HR', partner },
    terms: null,
    vcpus: 1,
    memoryMib: 1,
    diskMib: 1,
    stopped: false,
    fromMs: 1,
    toMs: 2,
  });
  told = [{ segments: [segment('mk', 'north'), segment('mk', 'south')] }] as unknown as Told[];
  const request = { startTime: { seconds: 1 } };
  t.match(await streamed('north-op', 'ReportUsage', request), [
    { segments: { segments: [{ partner: 'partners/north' }] } },
  ]);
  t.match(await streamed('root', 'ReportUsage', request), [{ segments: { segments: { length: 2 } } }]);
});

test('a settlement shows each side its lines', async (t) => {
  const line = (creditor: string, debtor: string) => ({
    agreement: 'a',
    creditor,
    debtor,
    vcpuMillihours: 1,
    memoryGibMillihours: 1,
    diskGibMillihours: 1,
    amountMinor: 1,
    currency: 'EUR',
  });
  const settled = {
    lines: [line('partners/north', 'administrations/mk-city'), line('partners/south', 'partners/east')],
    debts: [
      { debtor: 'administrations/mk-city', creditor: 'partners/north', amountMinor: 1, currency: 'EUR' },
      { debtor: 'partners/east', creditor: 'partners/south', amountMinor: 1, currency: 'EUR' },
    ],
    balances: ['partners/north', 'administrations/mk-city', 'partners/south', 'partners/east'].map(
      (party) => ({
        party,
        amountMinor: 1,
        currency: 'EUR',
      }),
    ),
    provisional: false,
    sequence: 1,
    journalHash: '',
  };
  told = [{ settled: [settled] }] as unknown as Told[];
  for (const [who, parties] of [
    ['north-op', ['partners/north']],
    ['mk-admin', ['administrations/mk-city']],
    ['hr-admin', []],
    ['auditor', settled.balances.map(({ party }) => party)],
  ] as const) {
    const [message] = await streamed(who, 'SettleMonth', { month: '2023-11' });
    const { settlement } = message as {
      settlement: { lines: object[]; debts: object[]; balances: { party: string }[] };
    };
    t.same(
      settlement.balances.map(({ party }) => party),
      parties,
      who,
    );
    const lines = who === 'auditor' ? 2 : parties.length;
    t.equal(settlement.lines.length, lines, who);
    t.equal(settlement.debts.length, lines, who);
  }
});

test('whoever sees all is told all', async (t) => {
  for (const who of ['root', 'auditor']) {
    const { hosts } = await of(who).call('ListHosts', {});
    t.ok(hosts.every(({ capacity }) => capacity !== null));
    const { vms } = await of(who).call('ListVms', {});
    t.ok(vms.some(({ labels }) => labels['owner'] === 'mk'));
  }
});
