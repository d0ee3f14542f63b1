import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { Quota } from '../../../proto/gen/secovia/v1/Quota.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const noQuota = (name: string) =>
  new Refused(status.NOT_FOUND, `there is no quota "${name}"`, { resource: { type: 'quota', name } });
const setAnswers = () =>
  server.on('QuotaService', 'SetQuota', ({ parent, scope, limit }) => ({
    quota: { name: `${parent}/quotas/x`, scope, limit },
  }));

t.test('set limits what was not limited before', async (t) => {
  server.on('QuotaService', 'GetQuota', ({ name }) => {
    throw noQuota(name);
  });
  setAnswers();
  const words =
    'quota set osijek --vcpus 64 --memory 128GiB --disk 2TiB --vms 0 --extra gpu:a30=2 --country hr';
  t.match(await secovia(...words.split(' ')), {
    code: 0,
    out: 'osijek, HR: 64 vCPUs, 128 GiB memory, 2 TiB disk, 0 VMs, 2 gpu:a30\n',
  });
  t.match(server.sent('QuotaService', 'GetQuota'), [{ name: 'administrations/osijek/quotas/country-hr' }]);
  t.match(server.sent('QuotaService', 'SetQuota'), [
    {
      parent: 'administrations/osijek',
      scope: { country: 'HR' },
      limit: { vcpus: 64, memoryMib: 131_072, diskMib: 2_097_152, vms: 0, extras: { 'gpu:a30': 2 } },
      etag: '',
    },
  ]);
});

t.test('set changes what is named and leaves the rest, under the etag that was read', async (t) => {
  const limit = { vcpus: 8, memoryMib: 1024, extras: { 'gpu:a30': 1, vf: 4 } };
  server.on('QuotaService', 'GetQuota', () => ({ quota: { limit, etag: '"3"' } }));
  setAnswers();
  await secovia(
    'quota',
    'set',
    'osijek',
    '--no-memory',
    '--vms',
    '5',
    '--remove-extra',
    'vf',
    '--site',
    'zagreb',
  );
  const sent = server.sent('QuotaService', 'SetQuota').at(-1);
  t.match(sent, {
    scope: { site: 'sites/zagreb' },
    limit: { vcpus: 8, vms: 5, extras: { 'gpu:a30': 1 } },
    etag: '"3"',
  });
  t.equal(sent?.limit.memoryMib, undefined);
  t.notOk('vf' in (sent?.limit.extras ?? {}));
});

t.test('set begins anew when somebody else came first, and says when nothing was said', async (t) => {
  let etag = 1;
  server.on('QuotaService', 'GetQuota', () => ({ quota: { limit: {}, etag: `"${etag}"` } }));
  server.on('QuotaService', 'SetQuota', (request) => {
    if (etag++ === 1) throw new Refused(status.ABORTED, 'it has changed since you read it');
    return { quota: { limit: request.limit } };
  });
  t.match(await secovia('quota', 'set', 'osijek', '--vcpus', '1'), { code: 0 });
  t.equal(server.sent('QuotaService', 'SetQuota').at(-1)?.etag, '"2"');
  t.match(await secovia('quota', 'set', 'osijek'), { code: 2, err: /limit what\?/ });
  t.match(await secovia('quota', 'set', 'osijek', '--vcpus', 'x'), { code: 2, err: /0 allows nothing/ });
  t.match(await secovia('quota', 'set', 'o', '--vms', '1', '--site', 'z', '--country', 'HR'), {
    code: 2,
    err: /cannot be used with/,
  });
});

const holdings = (over: object) => ({ vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0, extras: {}, ...over });
const quotas: Quota[] = [
  {
    name: 'administrations/croatia/quotas/everywhere',
    scope: {},
    limit: { vcpus: 64, memoryMib: 131_072, extras: {} },
    used: holdings({ vcpus: 32, memoryMib: 143_360, vms: 9 }),
    borrowed: holdings({ vcpus: 16 }),
    lent: holdings({}),
  },
  {
    name: 'administrations/osijek/quotas/site-zagreb',
    scope: { site: 'sites/zagreb' },
    limit: { vms: 4, extras: { 'gpu:a30': 2 } },
    used: holdings({ vms: 4 }),
    borrowed: holdings({}),
    lent: holdings({ extras: { 'gpu:a30': 1 } }),
  },
  {
    name: 'administrations/osijek/quotas/country-hr',
    scope: { country: 'HR' },
    limit: {},
    used: holdings({}),
  },
];
const administrations = [
  { name: 'administrations/osijek', parent: 'administrations/slavonia', title: 'Осијек\u001b[2J' },
  { name: 'administrations/slavonia', parent: 'administrations/croatia' },
  { name: 'administrations/croatia', title: 'Hrvatska' },
  { name: 'administrations/empty', parent: 'administrations/croatia' },
  { name: 'administrations/serbia' },
];
const serveQuotas = () => {
  server.on('QuotaService', 'ListQuotas', ({ pageToken }) =>
    pageToken === '' ? { quotas: quotas.slice(0, 1), nextPageToken: 'two' } : { quotas: quotas.slice(1) },
  );
  server.on('AdministrationService', 'ListAdministrations', () => ({ administrations }));
};

t.test('show draws the subtree as bars that fit, and marks what is above its limit', async (t) => {
  serveQuotas();
  const { code, out } = await secovia('quota', 'show', 'croatia');
  t.equal(code, 0);
  t.equal(
    out,
    [
      'croatia  Hrvatska',
      '  everywhere',
      '    vCPUs        [###########................]            32/80  16 borrowed',
      '    memory       [#########################!!]  140 GiB/128 GiB  over by 12 GiB',
      '  slavonia',
      '    osijek  Осијек\\x1b[2J',
      '      site zagreb',
      '        VMs      [###########################]              4/4',
      '        gpu:a30  [...........................]              0/1  1 lent',
      '      HR',
      '        nothing is limited',
      '',
    ].join('\n'),
  );
  t.ok(out.split('\n').every((line) => line.length < 80));
  t.match(server.sent('QuotaService', 'ListQuotas').at(-1), {
    parent: 'administrations/croatia',
    subtree: true,
  });
});

t.test('bars grow and shrink with the terminal, and have colour on one', async (t) => {
  serveQuotas();
  const bars = async (columns: number) => {
    const { out } = await cli(['quota', 'show', 'croatia'], { server: server.address, columns });
    return new Set([...out.matchAll(/\[([#.!]+)\]/g)].map(([, bar]) => bar?.length));
  };
  t.same(await bars(200), new Set([40]), 'but not without end');
  t.same(await bars(70), new Set([17]));
  t.same(await bars(20), new Set([6]), 'and never to nothing');
  const { out } = await cli(['quota', 'show', 'croatia'], { server: server.address, terminal: 'stdout' });
  t.ok(out.includes('\u001b[32m#'), 'green while there is room');
  t.ok(out.includes('\u001b[33m#'), 'yellow when there is none left');
  t.ok(out.includes('\u001b[31m#') && out.includes('!\u001b[39m'), 'red above the limit');
});

t.test('show as JSON and names, of what is there and of nothing', async (t) => {
  serveQuotas();
  const json = JSON.parse((await secovia('quota', 'show', 'croatia', '-o', 'json')).out);
  t.equal(json.quotas.length, 3);
  t.match(json.quotas[0], { limit: { vcpus: '64' }, used: { memoryMib: '143360' } });
  t.equal(
    (await secovia('quota', 'show', 'croatia', '-o', 'name')).out,
    quotas.map(({ name }) => `${name}\n`).join(''),
  );
  server.on('QuotaService', 'ListQuotas', () => ({ quotas: [] }));
  t.match(await secovia('quota', 'show', 'serbia'), {
    code: 0,
    out: '',
    err: /neither serbia nor any administration below it has a quota/,
  });
});

t.test('list is a table of used and allowed', async (t) => {
  serveQuotas();
  const { out } = await secovia('quota', 'list', '--administration', 'croatia', '--subtree');
  t.match(out, /^croatia +everywhere +32\/80 +140 GiB\/128 GiB +0 MiB\/- +9\/- +borrowed 16 vCPUs$/m);
  t.match(out, /^osijek +site zagreb +0\/- +.*4\/4 +gpu:a30 0\/1 +lent 1 gpu:a30$/m);
  t.match(server.sent('QuotaService', 'ListQuotas').at(-1), {
    parent: 'administrations/croatia',
    subtree: true,
  });
  t.match(await secovia('quota', 'list', '--subtree'), {
    code: 2,
    err: /--subtree goes with --administration/,
  });
});

t.test('delete names the place', async (t) => {
  server.on('QuotaService', 'DeleteQuota', () => ({}));
  t.match(await secovia('quota', 'delete', 'osijek', '--country', 'HR', '--etag', '"2"'), {
    out: 'deleted quota of osijek, HR\n',
  });
  await secovia('quota', 'delete', 'osijek');
  t.match(server.sent('QuotaService', 'DeleteQuota'), [
    { name: 'administrations/osijek/quotas/country-hr', etag: '"2"' },
    { name: 'administrations/osijek/quotas/everywhere' },
  ]);
});

t.test('verify says that all is right, or what is not', async (t) => {
  const exceeded = ['administrations/osijek/quotas/country-hr'];
  server.on('QuotaService', 'VerifyQuotas', () => ({ vms: 12, sums: 7, exceeded }));
  t.match(await secovia('quota', 'verify'), {
    code: 0,
    out: 'more is used than allowed: osijek in HR\nlooked at 12 VMs and 7 sums, and every sum is right\n',
  });
  const differences = [{ name: 'agreements/g', kept: { vcpus: 3 }, addedUp: { vcpus: 2, vms: 1 } }];
  server.on('QuotaService', 'VerifyQuotas', () => ({ vms: 12, sums: 7, differences }));
  t.match(await secovia('quota', 'verify'), {
    code: 1,
    out: /^agreements\/g +3 vCPUs +2 vCPUs, 1 VMs$/m,
    err: /1 sums are not what the VMs hold/,
  });
});

t.test('a quota that is used up is told with every limit, and where to look', async (t) => {
  const first =
    'administration "croatia" may use 64 vCPUs everywhere and uses 63: 2 more would make 65; free 1';
  const second = 'administration "osijek" may use 8 vCPUs in HR and uses 8: 2 more would make 10; free 2';
  server.on('VmService', 'CreateVm', () => {
    throw new Refused(status.RESOURCE_EXHAUSTED, first, {
      errorInfo: { reason: 'QUOTA_EXCEEDED', metadata: {} },
      quota: [
        { subject: 'administrations/croatia/quotas/everywhere', description: first },
        { subject: 'administrations/osijek/quotas/country-hr', description: second },
      ],
    });
  });
  const create = 'vm create osijek/web --vcpus 2 --memory 1GiB --disk 5GiB --image tiny'.split(' ');
  t.match(await secovia(...create), {
    code: 4,
    err: [
      `secovia: ${first} (RESOURCE_EXHAUSTED, QUOTA_EXCEEDED). See it with: secovia quota show croatia`,
      `  the quota of osijek in HR: ${second}`,
      '',
    ].join('\n'),
  });
  server.on('VmService', 'CreateVm', () => {
    throw new Refused(status.RESOURCE_EXHAUSTED, 'agreement "g" allows 1 vCPU', {
      errorInfo: { reason: 'AGREEMENT_EXHAUSTED', metadata: {} },
      quota: [{ subject: 'agreements/g', description: 'another sentence' }],
    });
  });
  t.match(await secovia(...create), {
    err: /See it with: secovia agreement show g\n {2}agreement g: another sentence\n$/,
  });
});
