import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ago } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const arnes = {
  name: 'partners/arnes',
  title: 'Арнес',
  country: 'SI',
  administrations: ['administrations/ljubljana', 'administrations/celje'],
  offered: { vcpus: 128, memoryMib: 524_288, diskMib: 2 ** 21, vms: 400, extras: { 'gpu:a30': 2 } },
  heldByOthers: { vcpus: 5, memoryMib: 4096, diskMib: 10_240, vms: 3 },
  siteCount: 2,
  etag: '"4"',
  createTime: ago(7200),
};

t.test('create sends whose it is', async (t) => {
  server.on('PartnerService', 'CreatePartner', ({ partnerId, partner }) => ({
    partner: { ...partner, name: `partners/${partnerId}` },
  }));
  const words = 'partner create arnes --country si --administration ljubljana --administration celje --open';
  t.match(await secovia(...words.split(' ')), { code: 0, out: 'created partner arnes\n' });
  t.match(server.sent('PartnerService', 'CreatePartner'), [
    {
      partnerId: 'arnes',
      partner: { country: 'SI', administrations: arnes.administrations, open: true },
      requestId: /^[0-9a-f-]{36}$/,
    },
  ]);
  t.match(await secovia('partner', 'create', 'arnes'), { code: 2, err: /--country <country>/ });
});

t.test('list and show', async (t) => {
  const open = { name: 'partners/beta', country: 'AL', open: true, heldByOthers: {}, createTime: ago(10) };
  server.on('PartnerService', 'ListPartners', () => ({ partners: [arnes, open] }));
  t.equal(
    (await secovia('partner', 'list')).out,
    [
      'NAME   COUNTRY  SITES  VMS OF OTHERS  AGE  TITLE  NOTE',
      'arnes  SI           2              3   2h  Арнес',
      'beta   AL           0              0  10s         open to everybody',
      '',
    ].join('\n'),
  );
  server.on('PartnerService', 'GetPartner', () => ({ partner: arnes }));
  const { out } = await secovia('partner', 'show', 'arnes');
  t.match(out, /^Its own +ljubljana\n +celje$/m);
  t.match(out, /^Offered to VMs +128 vCPUs, 512 GiB memory, 2 TiB disk, 400 VMs, 2 gpu:a30$/m);
  t.match(out, /^Held by others +5 vCPUs, 4 GiB memory, 10 GiB disk, 3 VMs$/m);
  server.on('PartnerService', 'GetPartner', () => ({ partner: { ...open, heldByOthers: {} } }));
  const other = (await secovia('partner', 'show', 'beta')).out;
  t.match(other, /^Its own +all administrations of AL$/m);
  t.match(other, /^Held by others +nothing$/m);
  t.match(JSON.parse((await secovia('partner', 'show', 'beta', '-o', 'json')).out), {
    partner: { name: 'partners/beta', open: true },
  });
});

t.test('update masks what was said', async (t) => {
  server.on('PartnerService', 'UpdatePartner', ({ partner }) => ({ partner: { name: partner.name ?? '' } }));
  t.match(await secovia('partner', 'update', 'arnes', '--no-open'), { out: 'updated partner arnes\n' });
  await secovia('partner', 'update', 'arnes', '--title', '', '--no-administration', '--etag', '"4"');
  await secovia('partner', 'update', 'arnes', '--administration', 'celje', '--open');
  t.match(server.sent('PartnerService', 'UpdatePartner'), [
    { updateMask: { paths: ['open'] }, partner: { open: false } },
    { updateMask: { paths: ['title', 'administrations'] }, partner: { administrations: [], etag: '"4"' } },
    {
      updateMask: { paths: ['administrations', 'open'] },
      partner: { administrations: ['administrations/celje'], open: true },
    },
  ]);
  t.match(await secovia('partner', 'update', 'arnes'), { code: 2, err: /nothing to change: say --title/ });
});

t.test('delete, and a name that is nobody’s', async (t) => {
  server.on('PartnerService', 'DeletePartner', ({ name }) => {
    if (name === 'partners/arnes') return {};
    throw new Refused(status.NOT_FOUND, 'there is no partner "none"', {
      resource: { type: 'partner', name },
      errorInfo: { reason: 'PARTNER_NOT_FOUND', metadata: {} },
    });
  });
  t.match(await secovia('partner', 'delete', 'arnes', '--etag', '"4"'), { out: 'deleted partner arnes\n' });
  t.match(server.sent('PartnerService', 'DeletePartner'), [{ etag: '"4"' }]);
  t.match(await secovia('partner', 'delete', 'none'), {
    code: 3,
    err: /See what there is: secovia partner list/,
  });
});
