import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;
await federation.host('a', { obeys: true });
const create = (administrationId: string, parent: string) =>
  api.call('CreateAdministration', { administrationId, administration: { country: 'HR', parent } });
await create('town', adm);
await create('town-2', adm);
await create('village', 'administrations/town');
const village = 'administrations/village';

const full = { vcpus: 64, memoryMib: 131_072, diskMib: 2 ** 21, vms: 40, extras: { 'gpu:a30': 2 } };

test('a quota, through every call', async (t) => {
  const created = await api.call('SetQuota', { parent: adm, scope: { country: 'HR' }, limit: full });
  t.match(created.quota, {
    name: `${adm}/quotas/country-hr`,
    scope: { country: 'HR' },
    limit: full,
    used: { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 },
    borrowed: { vcpus: 0 },
    lent: { vcpus: 0 },
    etag: '"1"',
  });
  t.same(await api.call('GetQuota', { name: `${adm}/quotas/country-hr` }), created);
  const changed = await api.call('SetQuota', {
    parent: adm,
    scope: { country: 'HR' },
    limit: { vcpus: 0 },
    etag: '"1"',
  });
  t.match(changed.quota, { etag: '"2"', limit: { vcpus: 0 } });
  t.equal(changed.quota?.limit?.memoryMib, undefined, 'what is left out has no bound any more');
  await scheduler.restart();
  await federation.reconnect('a', { obeys: true });
  t.same(await api.call('GetQuota', { name: `${adm}/quotas/country-hr` }), changed, 'after a restart');
  t.match(await api.fails('CreateVm', newVm('none')), { reason: 'QUOTA_EXCEEDED' }, 'and 0 allows nothing');
  t.same(await api.call('DeleteQuota', { name: `${adm}/quotas/country-hr`, etag: '"2"' }), {});
  t.match(await api.fails('GetQuota', { name: `${adm}/quotas/country-hr` }), {
    code: status.NOT_FOUND,
    reason: 'QUOTA_NOT_FOUND',
    details: { resource: { type: 'quota', name: `${adm}/quotas/country-hr` } },
  });
});

test('what VMs of the subtree hold is used, and what exceeds a limit is refused with the limit and its numbers', async (t) => {
  await api.call('SetQuota', { parent: adm, limit: { vcpus: 2 } });
  await api.call('SetQuota', { parent: village, scope: { site: 'sites/zagreb' }, limit: { vms: 1 } });
  await api.call('CreateVm', { ...newVm('first'), parent: village });
  t.match((await api.call('GetQuota', { name: `${adm}/quotas/everywhere` })).quota, {
    used: { vcpus: 1, memoryMib: 128, diskMib: 200, vms: 1 },
  });
  const before = await api.sequence();
  t.match(await api.fails('CreateVm', { ...newVm('second'), parent: village }), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'QUOTA_EXCEEDED',
    details: {
      quota: [{ subject: `${village}/quotas/site-zagreb`, description: /may use 1 VMs? on site "zagreb"/ }],
    },
  });
  const wide = { vcpus: 2, memoryMib: 128, diskMib: 200, image: 'images/tiny' };
  const failure = await api.fails('CreateVm', newVm('wide', { spec: wide }));
  t.match(failure, {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'QUOTA_EXCEEDED',
    message: /administration "adm" may use 2 vCPUs everywhere and uses 1/,
    details: {
      quota: [{ subject: `${adm}/quotas/everywhere` }],
      errorInfo: { metadata: { resource: 'vcpus', limit: '2', used: '1', more: '2', left: '1' } },
    },
  });
  t.match(
    await api.fails('CreateVm', { ...newVm('wide', { spec: wide }), validateOnly: true }),
    { reason: 'QUOTA_EXCEEDED', message: failure.message },
    'a dry run is told the same',
  );
  const explained = await api.call('ExplainPlacement', { parent: adm, vm: { spec: wide } });
  t.equal(explained.chosen, null);
  t.equal(explained.refusal, failure.message, 'and so is who asks why');
  t.equal(await api.sequence(), before, 'nothing was left behind');
});

test('a limit below what is used is allowed, and is found by a verification', async (t) => {
  await api.call('SetQuota', { parent: adm, limit: { vcpus: 0 } });
  const verified = await api.call('VerifyQuotas', {});
  t.match(verified, { differences: [], exceeded: [`${adm}/quotas/everywhere`], vms: 1 });
  t.ok(verified.sums >= 4);
  await api.call('SetQuota', { parent: adm, limit: {} });
  t.same((await api.call('VerifyQuotas', {})).exceeded, []);
});

test('quotas are listed of one administration, of its subtree, or of all', async (t) => {
  await api.call('SetQuota', { parent: 'administrations/town-2', limit: { vcpus: 3 } });
  const names = async (parent: string, subtree = false) =>
    (await api.call('ListQuotas', { parent, subtree })).quotas.map(({ name }) => name);
  const ofVillage = `${village}/quotas/site-zagreb`;
  t.same(await names(village), [ofVillage]);
  t.same(await names('administrations/town'), []);
  t.same(await names('administrations/town', true), [ofVillage]);
  const all = [`${adm}/quotas/everywhere`, 'administrations/town-2/quotas/everywhere', ofVillage];
  t.same(await names(adm, true), all);
  t.same(await names('administrations/-'), all);
  t.same(await names(''), all);
  for (const scope of [{ site: 'sites/zagreb' }, { country: 'HR' }])
    await api.call('SetQuota', { parent: 'administrations/town-2', scope, limit: {} });
  t.same(
    await names('administrations/town-2'),
    ['everywhere', 'country-hr', 'site-zagreb'].map((key) => `administrations/town-2/quotas/${key}`),
    'the wider first',
  );
  t.match(await api.fails('ListQuotas', { parent: 'administrations/none' }), { code: status.NOT_FOUND });
  t.match(await api.fails('ListQuotas', { parent: 'none' }), { code: status.INVALID_ARGUMENT });
  const { nextPageToken: pageToken } = await api.call('ListQuotas', {
    parent: adm,
    subtree: true,
    pageSize: 1,
  });
  t.match(
    await api.fails('ListQuotas', { parent: adm, pageToken }),
    { details: { fieldViolations: [{ field: 'page_token' }] } },
    'a token is of its own question',
  );
});

test('every field that is wrong is named, and nothing is left behind', async (t) => {
  const before = await api.sequence();
  t.match(
    await api.fails('SetQuota', {
      parent: 'adm',
      scope: { country: 'Croatia' },
      limit: { vcpus: -1, memoryMib: 1e13, extras: { 'GPU!': 1, 'gpu:a30': -2 } },
    }),
    {
      code: status.INVALID_ARGUMENT,
      details: {
        fieldViolations: [
          { field: 'parent' },
          { field: 'scope.country' },
          { field: 'limit.vcpus', description: '-1 must be a whole number from 0 to 1000000000000' },
          { field: 'limit.memory_mib' },
          { field: 'limit.extras."GPU!"', description: /as in gpu:a30/ },
          { field: 'limit.extras.gpu:a30' },
        ],
      },
    },
  );
  t.match(await api.fails('SetQuota', { parent: adm }), {
    details: { fieldViolations: [{ field: 'limit', description: /delete the quota/ }] },
  });
  t.match(await api.fails('SetQuota', { parent: adm, scope: { site: 'zagreb' }, limit: {} }), {
    details: { fieldViolations: [{ field: 'scope.site', description: /must look like sites\/ID/ }] },
  });
  for (const name of [
    '',
    adm,
    `${adm}/quotas/`,
    `${adm}/quotas/country-HR`,
    `${adm}/quotas/x`,
    'quotas/everywhere',
  ]) {
    for (const method of ['GetQuota', 'DeleteQuota'] as const)
      t.match(await api.fails(method, { name }), {
        details: { fieldViolations: [{ field: 'name', description: /country-hr or site-zagreb/ }] },
      });
  }
  t.equal(await api.sequence(), before);
});

test('what does not exist or has changed is refused as such', async (t) => {
  const limit = { vcpus: 1 };
  t.match(await api.fails('SetQuota', { parent: 'administrations/none', limit }), {
    code: status.NOT_FOUND,
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
  t.match(await api.fails('SetQuota', { parent: adm, scope: { site: 'sites/none' }, limit }), {
    code: status.NOT_FOUND,
    reason: 'SITE_NOT_FOUND',
  });
  t.match(
    await api.fails('SetQuota', { parent: adm, scope: { country: 'SI' }, limit, etag: '"1"' }),
    { code: status.NOT_FOUND, reason: 'QUOTA_NOT_FOUND' },
    'an etag is of a quota that there is',
  );
  t.match(await api.fails('SetQuota', { parent: adm, limit, etag: '"99"' }), { code: status.ABORTED });
  t.match(await api.fails('DeleteQuota', { name: `${adm}/quotas/everywhere`, etag: '"99"' }), {
    code: status.ABORTED,
  });
  t.match(await api.fails('DeleteQuota', { name: `${adm}/quotas/country-si` }), { code: status.NOT_FOUND });
});
