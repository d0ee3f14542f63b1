/** What is out of sight is answered as what does not exist: the same status, word for word, but for the name that was asked. */
import fc from 'fast-check';
import tap, { test } from 'tap';
import type { MethodName } from '../client.js';
import { identityCaller, settle } from './callers.js';
import { shouldSee } from './oracle.js';
import { requests, type Things } from './requests.js';
import { serve } from './server.js';

const { world, as } = await serve(tap, settle);
const { state } = world;

/** Which kind of thing is shown by which listing. */
const listings: Partial<Record<keyof Things, string>> = {
  host: 'ListHosts',
  administration: 'ListAdministrations',
  pool: 'ListStoragePools',
  token: 'ListJoinTokens',
  agreement: 'ListAgreements',
  loan: 'ListLoans',
  rule: 'ListResidencyRules',
  identity: 'ListIdentities',
  vm: 'ListVms',
  operation: 'ListOperations',
};

const ids: Record<string, string[]> = {
  host: [...state.hosts.keys()],
  administration: [...state.administrations.keys()],
  pool: [...state.pools.keys()],
  token: [...state.access.tokens.keys()],
  agreement: [...state.tenancy.agreements.keys()],
  loan: [...state.tenancy.loans.keys()],
  rule: [...state.tenancy.rules.keys()],
  identity: [...state.access.identities.keys()],
  vm: [...state.vms.values()].map(({ administration, id }) => `${administration}/${id}`),
  operation: [...state.operations.keys()],
};

const spec = { vcpus: 1, memoryMib: 128, diskMib: 200, image: 'images/tiny' };

/** Requests that speak of something in passing. */
const passing: [MethodName, keyof Things, (id: string, own: Own) => object][] = [
  [
    'CreateVm',
    'host',
    (id, { parent }) => ({ parent, vmId: 'x', vm: { spec, placement: { excludedHosts: [`hosts/${id}`] } } }),
  ],
  [
    'BatchCreateVms',
    'host',
    (id, { parent }) => ({
      parent,
      requests: [{ vmId: 'x', vm: { spec, placement: { excludedHosts: [`hosts/${id}`] } } }],
    }),
  ],
  [
    'ExplainPlacement',
    'host',
    (id, { parent }) => ({ parent, vm: { spec, placement: { excludedHosts: [`hosts/${id}`] } } }),
  ],
  [
    'ExplainPlacement',
    'pool',
    (id, { parent }) => ({ parent, vm: { spec: { ...spec, storagePool: `storagePools/${id}` } } }),
  ],
  [
    'UpdateHost',
    'administration',
    (id) => ({ host: { name: 'hosts/zg-1', dedicatedTo: `administrations/${id}` } }),
  ],
  [
    'CreateStoragePool',
    'host',
    (id) => ({
      storagePoolId: 'x',
      storagePool: {
        kind: 'STORAGE_POOL_KIND_SHARED',
        site: 'sites/zagreb',
        path: '/x',
        hosts: [`hosts/${id}`],
        capacityMib: 1,
      },
    }),
  ],
  [
    'CreateAgreement',
    'administration',
    (id) => ({
      agreementId: 'x',
      agreement: { partner: 'partners/north', beneficiaryAdministration: `administrations/${id}` },
    }),
  ],
  ['MigrateVm', 'host', (id) => ({ name: 'administrations/hr-city/vms/web', host: `hosts/${id}` })],
  [
    'AdoptVm',
    'administration',
    (id) => ({
      host: 'hosts/zg-1',
      parent: `administrations/${id}`,
      vmId: 'x',
      orphan: '00000000-0000-4000-8000-000000000000',
      vm: {},
    }),
  ],
  ['ListLoans', 'administration', (id) => ({ administration: `administrations/${id}` })],
  ['ListResidencyRules', 'administration', (id) => ({ administration: `administrations/${id}` })],
  ['ListBreaches', 'administration', (id) => ({ administration: `administrations/${id}` })],
];

interface Own {
  parent: string;
}

const nothing: Things = {
  site: 'zagreb',
  host: '',
  administration: '',
  partner: 'north',
  pool: '',
  token: '',
  agreement: '',
  loan: '',
  rule: '',
  identity: '',
  vm: '',
  operation: '',
  image: 'tiny',
  dataClass: 'personal',
};

const scoped = [...state.access.identities.values()].filter(({ role }) =>
  ['partner_operator', 'administration_administrator', 'administration_user'].includes(role),
);
/** Streams, and what is named by another's name. */
const others = ['WatchVms', 'ReportUsage', 'Link', 'CreateIdentity'];
const asked = Object.entries(requests)
  .map(([path, { about, message }]) => ({ method: path.slice(path.indexOf('/') + 1), about, message }))
  .filter(({ method, about }) => (about in listings || about === 'quota') && !others.includes(method));

test('whatever is out of sight answers as what does not exist', async (t) => {
  let hidden = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...scoped),
      fc.constantFrom(...asked, ...passing),
      fc.nat({ max: 100 }),
      async (who, what, at) => {
        const { id, role, partner, administration } = who;
        const api = as(identityCaller(state, id));
        const kind = Array.isArray(what)
          ? what[1]
          : what.about === 'quota'
            ? 'administration'
            : (what.about as keyof Things);
        const method = (Array.isArray(what) ? what[0] : what.method) as MethodName;
        const candidates = ids[kind] ?? [];
        const name = candidates[at % candidates.length] as string;
        const viewer = { id, role, partner: partner ?? '', administration: administration ?? '' };
        const listing = shouldSee(state, viewer)[listings[kind] as string] ?? [];
        if (
          listing.some((seen) => seen.endsWith(kind === 'vm' ? `/${name.replace('/', '/vms/')}` : `/${name}`))
        )
          return;
        const absent = kind === 'vm' ? 'zz/zz' : 'zz';
        const own = { parent: `administrations/${administration ?? 'hr'}` };
        const requestOf = (one: string) =>
          Array.isArray(what) ? what[2](one, own) : what.message({ ...nothing, [kind]: one }, role);
        const one = await api.fails(method, requestOf(name) as never);
        const other = await api.fails(method, requestOf(absent) as never);
        const [before, after] = kind === 'vm' ? [name.replace('/', '/vms/'), 'zz/vms/zz'] : [name, absent];
        const replaced = JSON.stringify(one).replaceAll(`/${before}`, `/${after}`);
        if (replaced !== JSON.stringify(other))
          throw new Error(
            `${method} as ${id} tells ${name} from nothing: ${replaced} and ${JSON.stringify(other)}`,
          );
        hidden += 1;
      },
    ),
    { numRuns: 600 },
  );
  t.ok(hidden > 150, `${hidden} things out of sight were asked for`);
});

test('a VM out of sight is hidden by its uid as by its name', async (t) => {
  const uid = [...state.vms.values()].find(({ administration }) => administration === 'rs-city')?.uid ?? '';
  const nobodys = '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001';
  for (const id of ['hr-user', 'hr-admin', 'north-op']) {
    const api = as(identityCaller(state, id));
    const one = await api.fails('GetVm', { name: `vms/${uid}` });
    t.same(
      JSON.stringify(one).replaceAll(uid, nobodys),
      JSON.stringify(await api.fails('GetVm', { name: `vms/${nobodys}` })),
    );
  }
});

test('a page token of somebody else shows nothing more', async (t) => {
  const root = as(identityCaller(state, 'root'));
  const { nextPageToken } = await root.call('ListHosts', { pageSize: 1 });
  t.not(nextPageToken, '');
  const { hosts } = await as(identityCaller(state, 'north-op')).call('ListHosts', {
    pageToken: nextPageToken,
  });
  t.same(
    hosts.map(({ name }) => name),
    ['hosts/zg-1', 'hosts/zg-2'],
  );
});
