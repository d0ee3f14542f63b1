import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Vm } from '../../../proto/gen/secovia/v1/Vm.js';
import type { VmPlacement } from '../../../proto/gen/secovia/v1/VmPlacement.js';
import { inventory } from './agent.js';
import { adm, Federation } from './federation.js';
import { asked, refusedBy, sized } from './questions.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api } = federation;

const estimate = (vm: Vm, limit = 0) => api.call('EstimateCapacity', { parent: adm, vm, limit });

test('without hosts there is capacity for none', async (t) => {
  t.same(await estimate(asked()), { vms: 0, limited: false, sites: [] });
});

test('capacity is counted by site, until nothing fits or the limit is reached, and claims nothing', async (t) => {
  await federation.site('east');
  await federation.site('west');
  await federation.host('east', { site: 'east', ...sized(10_240, 8) });
  await federation.host('west-1', { site: 'west', ...sized(2048) });
  await federation.host('west-2', { site: 'west', ...sized(3072) });
  const there = { sites: ['sites/west', 'sites/east'] };
  const before = await api.sequence();
  t.same(await estimate(asked({}, there)), {
    vms: 13,
    limited: false,
    sites: [
      { site: 'sites/east', vms: 8 },
      { site: 'sites/west', vms: 5 },
    ],
  });
  t.match(await estimate(asked({}, there), 13), { vms: 13, limited: true }, 'more might fit');
  t.match(await estimate(asked({}, there), 14), { vms: 13, limited: false });
  t.same(await estimate(asked({}, there), 2), {
    vms: 2,
    limited: true,
    sites: [{ site: 'sites/west', vms: 2 }],
  });
  t.match(await estimate(asked({ memoryMib: 100_000 })), { vms: 0, limited: false, sites: [] });
  t.equal(await api.sequence(), before);
  t.match((await api.call('GetHost', { name: 'hosts/east' })).host?.claimed, { vms: 0, memoryMib: 0 });
  for (let index = 0; index < 13; index += 1) await federation.vm(`fits-${index}`, asked({}, there));
  t.match(await refusedBy(api, asked({}, there)), { code: status.RESOURCE_EXHAUSTED });
});

test('at most 10,000 are counted, and no more than there is time for', async (t) => {
  await federation.site('vast');
  const total = { vcpus: 200_000, memoryMib: 200_000_000, diskMib: 20_000_000, vms: 20_000 };
  await federation.host('vast', { site: 'vast', inventory: { ...inventory(), total } });
  for (const limit of [0, 10_000]) {
    const { vms, limited, sites } = await estimate(asked({}, { sites: ['sites/vast'] }), limit);
    t.ok(vms > 0 && vms <= 10_000, `${vms} were counted`);
    t.ok(limited, 'there is room for more');
    t.same(sites, [{ site: 'sites/vast', vms }]);
  }
});

test('a storage pool without room is refused like a creation, and has capacity for none', async (t) => {
  await api.call('CreateStoragePool', {
    storagePoolId: 'nfs',
    storagePool: {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: 'sites/vast',
      path: '/srv/nfs',
      hosts: ['hosts/vast'],
      capacityMib: 1000,
    },
  });
  const on = (diskMib: number) => asked({ diskMib, storagePool: 'storagePools/nfs' });
  t.match(await estimate(on(300)), { vms: 3, limited: false });
  t.match(await api.call('ExplainPlacement', { parent: adm, vm: on(300) }), {
    chosen: { host: 'hosts/vast' },
  });
  const full = await api.fails('ExplainPlacement', { parent: adm, vm: on(1001) });
  t.match(full, { code: status.RESOURCE_EXHAUSTED, reason: 'POOL_FULL' });
  t.same(full, await refusedBy(api, on(1001)));
  t.same(await estimate(on(1001)), { vms: 0, limited: false, sites: [] });
});

test('capacity is counted as the rules of a group have it, beside the VMs that it has', async (t) => {
  await federation.site('grouped');
  for (const host of ['g1', 'g2', 'g3']) await federation.host(host, { site: 'grouped', rack: host });
  const of = (...groups: VmPlacement['groups'] & object): VmPlacement => ({
    sites: ['sites/grouped'],
    groups,
  });
  const apart = of({ group: 'apart', policy: 'GROUP_POLICY_ANTI_AFFINITY' });
  t.match(await estimate(asked({}, apart)), { vms: 3, limited: false });
  await federation.vm('member', asked({}, apart));
  t.match(await estimate(asked({}, apart)), { vms: 2, limited: false });
  const together = of({ group: 'together', policy: 'GROUP_POLICY_AFFINITY' });
  t.match(await estimate(asked({ memoryMib: 60_000 }, together)), { vms: 1, limited: false });
});

test('a limit that cannot be is refused', async (t) => {
  for (const limit of [-1, 10_001]) {
    t.match(await api.fails('EstimateCapacity', { parent: adm, vm: asked(), limit }), {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: 'limit', description: /from 0 to 10000/ }] },
    });
  }
});
