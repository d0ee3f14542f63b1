import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { inventory, ScriptedAgent } from './agent.js';
import { Api, type MethodName, type RequestOf, type ResponseOf } from './client.js';
import { adm, Federation, newVm, tinyImage } from './federation.js';

// The one host with an agent asks for one lease; on a busy machine the usual one ends before the last test.
const federation = await Federation.start(tap, ['--lease-ms', '300000']);
const { api, scheduler } = federation;
await federation.host('h-00', { obeys: true, inventory: inventory(10) });
for (let index = 1; index < 25; index += 1) await federation.join(`h-${String(index).padStart(2, '0')}`);
for (let index = 0; index < 24; index += 1) await federation.site(`site-${index}`);
for (let index = 0; index < 24; index += 1) {
  const administration = { country: 'HR' };
  await api.call('CreateAdministration', { administrationId: `a-${index}`, administration });
  await api.call('CreateImage', { imageId: `image-${index}`, image: tinyImage });
  await api.call('CreatePartner', { partnerId: `p-${index}`, partner: { country: 'SI' } });
  await api.call('SetQuota', { parent: `administrations/a-${index}`, limit: { vcpus: 10 } });
  await api.call('CreateDataClass', { dataClassId: `c-${index}`, dataClass: { level: 5 } });
  await api.call('CreateResidencyRule', {
    residencyRuleId: `r-${index}`,
    residencyRule: {
      dataClass: `dataClasses/c-${index}`,
      forbidden: { countries: ['AL'] },
      legalBasis: 'an act',
    },
  });
  await api.call('CreateAgreement', {
    agreementId: `g-${index}`,
    agreement: { partner: 'partners/partner', beneficiaryPartner: `partners/p-${index}` },
  });
  await api.call('CreateStoragePool', {
    storagePoolId: `pool-${index}`,
    storagePool: {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: 'sites/zagreb',
      path: '/srv/p',
      hosts: ['hosts/h-01'],
      capacityMib: 10,
    },
  });
}
for (let index = 0; index < 24; index += 1) {
  const [lender, borrower] = [`administrations/a-${index}`, `administrations/a-${(index + 1) % 24}`];
  const expireTime = { seconds: 4_000_000_000 };
  const loan = { lender, borrower, amount: { vcpus: 1 }, expireTime };
  await api.call('CreateLoan', { loanId: `l-${index}`, loan });
}
for (let index = 0; index < 25; index += 1)
  await federation.vm(`vm-${index}`, { labels: { index: `${index}` } });

type ListMethod = Extract<MethodName, `List${string}`>;
const lists: ListMethod[] = [
  'ListSites',
  'ListAdministrations',
  'ListPartners',
  'ListQuotas',
  'ListLoans',
  'ListDataClasses',
  'ListResidencyRules',
  'ListAgreements',
  'ListImages',
  'ListStoragePools',
  'ListHosts',
  'ListVms',
  'ListOperations',
];
const rowsOf = (response: ResponseOf<ListMethod>): string[] => {
  const list = Object.values(response).find((value) => Array.isArray(value)) as { name: string }[];
  return list.map(({ name }) => name);
};

/** All pages of a listing, by their names. */
async function pages(method: ListMethod, request: RequestOf<ListMethod>): Promise<string[][]> {
  const result: string[][] = [];
  let pageToken = '';
  do {
    const page = await api.call(method, { ...request, pageToken });
    result.push(rowsOf(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && result.length < 100);
  return result;
}

for (const method of lists) {
  test(`${method} gives every row once, whatever the size of a page`, async (t) => {
    const [all] = (await pages(method, { pageSize: 1000 })) as [string[]];
    t.ok(all.length >= 24, `${all.length} rows`);
    t.equal(new Set(all).size, all.length);
    for (const pageSize of [1, 7, all.length, all.length - 1]) {
      const some = await pages(method, { pageSize });
      t.same(some.flat(), all);
      t.equal(some.length, Math.ceil(all.length / pageSize), `pages of ${pageSize}`);
    }
    t.same(rowsOf(await api.call(method, {})), all, 'a page is 100 rows when nothing is said');
    t.same(
      rowsOf(await api.call(method, { pageSize: 2 ** 31 - 1 })),
      all,
      'too large a page is made smaller',
    );
  });

  test(`${method} refuses a negative size, and tokens that are not its own`, async (t) => {
    const negative = await api.fails(method, { pageSize: -1 });
    t.match(negative, {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: 'page_size' }] },
    });
    const { nextPageToken } = await api.call(method, { pageSize: 2 });
    const other = method === 'ListSites' ? 'ListImages' : 'ListSites';
    const foreign = (await api.call(other, { pageSize: 2 })).nextPageToken;
    const [mark] = JSON.parse(Buffer.from(nextPageToken, 'base64url').toString()) as [string];
    const forged = (last: unknown) => Buffer.from(JSON.stringify([mark, last])).toString('base64url');
    for (const pageToken of [
      'x',
      '[]',
      'W10',
      ' ',
      foreign,
      `${nextPageToken.slice(0, -4)}`,
      'A'.repeat(10_000),
      Buffer.from('null').toString('base64url'),
      Buffer.from('{}').toString('base64url'),
      forged({}),
      forged(null),
      forged(['x']),
    ]) {
      const failure = await api.fails(method, { pageToken });
      t.match(
        failure,
        { code: status.INVALID_ARGUMENT, details: { fieldViolations: [{ field: 'page_token' }] } },
        pageToken.slice(0, 30),
      );
    }
  });
}

test('a token is good only for the question that it was given for', async (t) => {
  const filter = 'state = RUNNING OR vcpus = 1';
  const { nextPageToken: pageToken } = await api.call('ListVms', { parent: adm, filter, pageSize: 2 });
  t.ok(await api.call('ListVms', { parent: adm, filter, pageToken, pageSize: 5 }), 'the size may change');
  for (const request of [{ parent: adm }, { filter }, { parent: 'administrations/a-1', filter }, {}]) {
    t.match(await api.fails('ListVms', { ...request, pageToken }), { code: status.INVALID_ARGUMENT });
  }
  for (const forged of ['9e999', 'NaN', '-1e400', '1e30']) {
    const [mark] = JSON.parse(Buffer.from(pageToken, 'base64url').toString()) as [string];
    const token = Buffer.from(JSON.stringify([mark, forged])).toString('base64url');
    t.match(await api.fails('ListVms', { parent: adm, filter, pageToken: token }), {
      code: status.INVALID_ARGUMENT,
    });
  }
});

test('a listing that goes on while VMs come and go misses and repeats none that stays', async (t) => {
  const [before] = (await pages('ListVms', { pageSize: 1000 })) as [string[]];
  const seen: string[] = [];
  let pageToken = '';
  let round = 0;
  do {
    const page = await api.call('ListVms', { pageSize: 5, pageToken });
    seen.push(...rowsOf(page));
    pageToken = page.nextPageToken;
    if (round < 4) {
      const gone = `${adm}/vms/vm-${round * 6}`;
      const { operation } = await api.call('DeleteVm', { name: gone });
      await api.call('WaitOperation', { name: operation?.name ?? '' });
      await api.call('CreateVm', newVm(`come-${round}`));
    }
    round += 1;
  } while (pageToken !== '');
  t.equal(new Set(seen).size, seen.length, 'none twice');
  const [after] = (await pages('ListVms', { pageSize: 1000 })) as [string[]];
  const stayed = before.filter((name) => after.includes(name));
  t.same(
    stayed.filter((name) => !seen.includes(name)),
    [],
    'none missed',
  );
});

test('listings are filtered', async (t) => {
  const names = async (method: 'ListVms' | 'ListHosts' | 'ListOperations', filter: string) =>
    rowsOf(await api.call(method, { filter, pageSize: 1000 }));
  t.same(await names('ListVms', 'labels.index = "7"'), [`${adm}/vms/vm-7`]);
  t.same(await names('ListHosts', 'state = READY'), ['hosts/h-00']);
  t.same(await names('ListHosts', 'state = JOINED AND name : "h-2"'), [
    'hosts/h-20',
    'hosts/h-21',
    'hosts/h-22',
    'hosts/h-23',
    'hosts/h-24',
  ]);
  const creations = await names('ListOperations', 'verb = create');
  t.ok(creations.length >= 25);
  t.same(await names('ListOperations', 'verb = create AND done = false AND state = SUCCEEDED'), []);
  for (const method of ['ListVms', 'ListHosts', 'ListOperations'] as const) {
    t.match(await api.fails(method, { filter: 'nonsense = 1' }), {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: 'filter' }] },
    });
  }
});

test('operations are listed with the newest first', async (t) => {
  const { operations } = await api.call('ListOperations', { pageSize: 1000 });
  const times = operations.map(
    ({ createTime }) => Number(createTime?.seconds) * 1000 + (createTime?.nanos ?? 0) / 1e6,
  );
  t.same(
    times,
    [...times].sort((a, b) => b - a),
  );
});

test('a listing of an administration that is not there is refused', async (t) => {
  t.match(await api.fails('ListVms', { parent: 'administrations/none' }), {
    code: status.NOT_FOUND,
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
  t.match(await api.fails('ListVms', { parent: 'none' }), { code: status.INVALID_ARGUMENT });
  t.same((await api.call('ListVms', { parent: 'administrations/a-1' })).vms, []);
  t.ok((await api.call('ListVms', { parent: 'administrations/-' })).vms.length > 0);
});

test('pages of large rows are small enough for clients that take 4 MiB', async (t) => {
  const small = new Api(scheduler.address, { mostBytes: 4 * 2 ** 20 });
  const labels = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`k${index}`, 'č'.repeat(256)]));
  for (let batch = 0; batch < 4; batch += 1) {
    const requests = Array.from({ length: 60 }, (_, index) => ({
      ...newVm(`large-${batch}-${index}`, { labels }),
      parent: '',
      requestId: '',
    }));
    await api.call('BatchCreateVms', { parent: adm, requests });
  }
  const features = Array.from({ length: 1000 }, (_, index) => `${index}-${'x'.repeat(200)}`);
  for (let index = 1; index < 25; index += 1) {
    const name = `h-${String(index).padStart(2, '0')}`;
    const agent = await ScriptedAgent.connect(api, name, {
      inventory: { ...inventory(), cpuFeatures: features },
    });
    agent.close();
  }
  for (const [method, filter, expected] of [
    ['ListVms', 'name : "/large-"', 240],
    ['ListHosts', '', 25],
  ] as const) {
    let rows = 0;
    let pageToken = '';
    let count = 0;
    do {
      const page = await small.call(method, { filter, pageSize: 1000, pageToken });
      rows += rowsOf(page).length;
      count += 1;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    t.equal(rows, expected, method);
    t.ok(count > 1, `in ${count} pages`);
  }
  small.close();
});
