import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Site } from '../../../proto/gen/secovia/v1/Site.js';
import { Federation, newVm } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;

const create = async (siteId: string, site: Site = {}) =>
  (await api.call('CreateSite', { siteId, site: { partner: 'p', country: 'HR', ...site } })).site;
const update = async (site: Site, ...paths: string[]) =>
  (await api.call('UpdateSite', { site, updateMask: { paths } })).site;

test('a site that does not say offers as many vCPUs as it has CPUs, and keeps no room', async (t) => {
  t.match(await create('plain'), { vcpuOvercommitPercent: 100, keepFailoverRoom: false, priceTier: 0 });
});

test('a site says how its vCPUs are overcommitted and whether it keeps room, and says so after a restart', async (t) => {
  const offer = { vcpuOvercommitPercent: 400, keepFailoverRoom: true, priceTier: 7 };
  t.match(await create('offering', offer), offer);
  await scheduler.restart();
  t.match((await api.call('GetSite', { name: 'sites/offering' })).site, offer);
  const { sites } = await api.call('ListSites', {});
  t.match(
    sites.find(({ name }) => name === 'sites/offering'),
    offer,
  );
});

test('an update without a mask changes what is set, with one what is named, and * means all', async (t) => {
  const name = 'sites/masked';
  const full = {
    title: 'Title',
    jurisdictions: ['EU'],
    vcpuOvercommitPercent: 300,
    keepFailoverRoom: true,
    priceTier: 4,
  };
  await create('masked', full);
  t.match(await update({ name, title: 'New' }), { ...full, title: 'New' }, 'as an old client asks');
  t.match(await update({ name, vcpuOvercommitPercent: 10 }), { title: 'New', vcpuOvercommitPercent: 10 });
  t.match(await update({ name, title: 'x', vcpuOvercommitPercent: 99 }, 'keep_failover_room'), {
    title: 'New',
    vcpuOvercommitPercent: 10,
    keepFailoverRoom: false,
  });
  t.match(await update({ name }, 'vcpuOvercommitPercent'), { vcpuOvercommitPercent: 100 });
  await update({ name, ...full });
  const cleared = {
    title: '',
    jurisdictions: [],
    vcpuOvercommitPercent: 100,
    keepFailoverRoom: false,
    priceTier: 0,
  };
  t.same({ ...(await update({ name }, '*')), ...cleared }, (await api.call('GetSite', { name })).site);
});

test('a price tier that is none is refused, with what is allowed', async (t) => {
  for (const priceTier of [-1, 100]) {
    const violation = {
      field: 'site.price_tier',
      description: `${priceTier} must be a whole number from 0 to 99`,
    };
    t.match(
      await api.fails('CreateSite', { siteId: 'x', site: { partner: 'p', country: 'HR', priceTier } }),
      {
        code: status.INVALID_ARGUMENT,
        details: { fieldViolations: [violation] },
      },
    );
  }
});

test('what a site cannot be is refused, with the field and what to do', async (t) => {
  await create('strict');
  for (const vcpuOvercommitPercent of [-1, 9, 3201]) {
    const violation = {
      field: 'site.vcpu_overcommit_percent',
      description: `${vcpuOvercommitPercent} must be a whole number from 10 to 3200, or 0`,
    };
    const refused = { code: status.INVALID_ARGUMENT, details: { fieldViolations: [violation] } };
    const site = { partner: 'p', country: 'HR', vcpuOvercommitPercent };
    t.match(await api.fails('CreateSite', { siteId: 'x', site }), refused);
    t.match(
      await api.fails('UpdateSite', { site: { name: 'sites/strict', vcpuOvercommitPercent } }),
      refused,
    );
  }
  for (const jurisdiction of ['', '1EU', 'E U', 'x'.repeat(33)]) {
    const site = { name: 'sites/strict', jurisdictions: [jurisdiction] };
    t.match(await api.fails('UpdateSite', { site }), {
      details: { fieldViolations: [{ field: 'site.jurisdictions', description: /must be 1 to 32 letters/ }] },
    });
  }
  const updateMask = { paths: ['country'] };
  t.match(await api.fails('UpdateSite', { site: { name: 'sites/strict' }, updateMask }), {
    details: { fieldViolations: [{ field: 'update_mask', description: /title, jurisdictions, vcpu_over/ }] },
  });
});

test('a site that overcommits shows it in its hosts, unless a host says otherwise', async (t) => {
  await create('dense', { vcpuOvercommitPercent: 300 });
  await federation.host('dense', { site: 'dense' });
  const capacity = async () => (await api.call('GetHost', { name: 'hosts/dense' })).host?.capacity?.vcpus;
  t.equal(await capacity(), 192);
  const spec = { vcpus: 150, memoryMib: 128, diskMib: 200, image: 'images/tiny' };
  t.equal((await federation.vm('wide', { spec })).host, 'hosts/dense');
  await update({ name: 'sites/dense', vcpuOvercommitPercent: 200 });
  t.equal(await capacity(), 128, 'the VM stays, and the host has less than nothing left');
  await api.call('UpdateHost', { host: { name: 'hosts/dense', vcpuOvercommitPercent: 350 } });
  t.equal(await capacity(), 224);
});

test('a site that keeps failover room refuses what would take it', async (t) => {
  await create('careful', { keepFailoverRoom: true });
  const hosts = ['careful-1', 'careful-2'];
  for (const host of hosts) await federation.host(host, { site: 'careful' });
  const placement = { sites: ['sites/careful'] };
  const spec = { vcpus: 1, memoryMib: 60_000, diskMib: 200, image: 'images/tiny' };
  t.ok(await federation.vm('first', { placement, spec }));
  t.match(await api.fails('CreateVm', newVm('second', { placement, spec })), {
    code: status.RESOURCE_EXHAUSTED,
    details: { errorInfo: { metadata: { ROOM_KEPT_FREE: '2' } } },
  });
  await update({ name: 'sites/careful' }, 'keep_failover_room');
  t.ok(await federation.vm('second', { placement, spec }));
});
