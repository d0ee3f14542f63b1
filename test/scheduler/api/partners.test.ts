import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { adm, Federation } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;

const partner = async (id: string) => (await api.call('GetPartner', { name: `partners/${id}` })).partner;

test('a partner, through every call', async (t) => {
  const sent = { title: 'Арнес', country: 'SI', administrations: [adm, adm], open: true };
  const created = await api.call('CreatePartner', { partnerId: 'arnes', partner: sent });
  t.match(created.partner, {
    name: 'partners/arnes',
    title: 'Арнес',
    country: 'SI',
    administrations: [adm],
    open: true,
    siteCount: 0,
    offered: { vcpus: 0, vms: 0 },
    heldByOthers: { vms: 0 },
    etag: '"1"',
  });
  t.ok(created.partner?.createTime?.seconds);
  t.same(await api.call('GetPartner', { name: 'partners/arnes' }), created);
  await scheduler.restart();
  t.same(await api.call('GetPartner', { name: 'partners/arnes' }), created, 'after a restart');
  const { partners } = await api.call('ListPartners', {});
  t.same(
    partners.map(({ name }) => name),
    ['partners/arnes', 'partners/partner'],
  );
  const updated = await api.call('UpdatePartner', {
    partner: { name: 'partners/arnes', etag: '"1"' },
    updateMask: { paths: ['open', 'administrations'] },
  });
  t.match(updated.partner, { title: 'Арнес', open: false, administrations: [], etag: '"2"' });
  t.same(await api.call('DeletePartner', { name: 'partners/arnes', etag: '"2"' }), {});
  t.match(await api.fails('GetPartner', { name: 'partners/arnes' }), {
    code: status.NOT_FOUND,
    reason: 'PARTNER_NOT_FOUND',
    details: { resource: { type: 'partner', name: 'partners/arnes' } },
  });
});

test('a site brings its partner with it, of its own country, and its hosts are what is offered', async (t) => {
  t.match(await partner('partner'), { country: 'HR', title: '', siteCount: 1, offered: { vcpus: 0 } });
  await federation.host('a');
  t.match(await partner('partner'), { offered: { vcpus: 64, memoryMib: 65_536 } });
  t.match((await api.call('GetAdministration', { name: adm })).administration, {
    partner: 'partners/partner',
  });
  t.match(await api.fails('DeletePartner', { name: 'partners/partner' }), {
    code: status.FAILED_PRECONDITION,
    reason: 'PARTNER_IN_USE',
    details: { errorInfo: { metadata: { sites: '1' } } },
  });
});

test('every field that is wrong is named, and nothing is left behind', async (t) => {
  const before = await api.sequence();
  const administrations = ['adm', 'administrations/', adm];
  t.match(
    await api.fails('CreatePartner', {
      partnerId: 'Arnes',
      partner: { title: 'a\nb', country: 'si', administrations },
    }),
    {
      code: status.INVALID_ARGUMENT,
      details: {
        fieldViolations: [
          { field: 'partner_id' },
          { field: 'partner.title' },
          { field: 'partner.country' },
          { field: 'partner.administrations', description: /must look like administrations\/ID/ },
          { field: 'partner.administrations' },
        ],
      },
    },
  );
  const many = Array.from({ length: 101 }, (_, index) => `administrations/a-${index}`);
  t.match(
    await api.fails('CreatePartner', { partnerId: 'x', partner: { country: 'SI', administrations: many } }),
    { details: { fieldViolations: [{ description: 'has 101 entries, and at most 100 are allowed' }] } },
  );
  t.match(await api.fails('CreatePartner', { partnerId: 'x' }), {
    details: { fieldViolations: [{ field: 'partner', description: 'is missing' }] },
  });
  t.match(
    await api.fails('UpdatePartner', {
      partner: { name: 'partners/partner', country: 'SI' },
      updateMask: { paths: ['country'] },
    }),
    { details: { fieldViolations: [{ field: 'update_mask', description: /title, administrations, open/ }] } },
  );
  t.equal(await api.sequence(), before);
});

test('what does not exist, exists already or has changed is refused as such', async (t) => {
  const unknown = { name: 'partners/none' };
  t.match(await api.fails('UpdatePartner', { partner: { ...unknown, title: 'x' } }), {
    code: status.NOT_FOUND,
  });
  t.match(await api.fails('DeletePartner', unknown), { code: status.NOT_FOUND });
  t.match(await api.fails('CreatePartner', { partnerId: 'partner', partner: { country: 'HR' } }), {
    code: status.ALREADY_EXISTS,
    reason: 'PARTNER_EXISTS',
  });
  const administrations = ['administrations/none'];
  t.match(await api.fails('CreatePartner', { partnerId: 'x', partner: { country: 'HR', administrations } }), {
    code: status.NOT_FOUND,
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
  const stale = { name: 'partners/partner', title: 'x', etag: '"99"' };
  t.match(await api.fails('UpdatePartner', { partner: stale }), { code: status.ABORTED });
  t.match(await api.fails('DeletePartner', { name: stale.name, etag: stale.etag }), { code: status.ABORTED });
});
