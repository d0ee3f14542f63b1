import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { machineIdOf } from './agent.js';
import { encode, type MethodName } from './client.js';
import { adm, Federation, newVm, tinyImage } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const agent = await federation.host('a', { obeys: true });
await federation.site('ljubljana', 'SI');
const { name } = await federation.vm('vm');
await federation.becomes(name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');

/** A call that succeeds, for every kind of mutation. */
const mutations: [MethodName, object][] = [
  ['CreateSite', { siteId: 'split', site: { partner: 'p', country: 'HR' } }],
  ['UpdateSite', { site: { name: 'sites/split', title: 'Split' } }],
  ['CordonSite', { name: 'sites/split' }],
  ['UncordonSite', { name: 'sites/split' }],
  ['DeleteSite', { name: 'sites/split' }],
  ['CreateAdministration', { administrationId: 'town', administration: { country: 'HR' } }],
  ['UpdateAdministration', { administration: { name: 'administrations/town', title: 'Town' } }],
  ['MoveAdministration', { name: 'administrations/town', parent: adm }],
  ['SuspendAdministration', { name: 'administrations/town' }],
  ['ResumeAdministration', { name: 'administrations/town' }],
  ['CreatePartner', { partnerId: 'arnes', partner: { country: 'SI' } }],
  ['UpdatePartner', { partner: { name: 'partners/arnes', title: 'Arnes' } }],
  ['SetQuota', { parent: adm, limit: { vcpus: 1000 } }],
  ['SetQuota', { parent: 'administrations/town', limit: { vcpus: 1 } }],
  [
    'CreateLoan',
    {
      loanId: 'summer',
      loan: {
        lender: adm,
        borrower: 'administrations/town',
        amount: { vcpus: 1 },
        expireTime: { seconds: 4_000_000_000 },
      },
    },
  ],
  ['RecallLoan', { name: 'loans/summer' }],
  ['DeleteQuota', { name: 'administrations/town/quotas/everywhere' }],
  ['CreateDataClass', { dataClassId: 'health', dataClass: { level: 35 } }],
  [
    'CreateResidencyRule',
    {
      residencyRuleId: 'home',
      residencyRule: {
        dataClass: 'dataClasses/health',
        allowed: { countries: ['HR'] },
        legalBasis: 'an act',
      },
    },
  ],
  ['UpdateResidencyRule', { residencyRule: { name: 'residencyRules/home', priority: 3 } }],
  ['DeleteResidencyRule', { name: 'residencyRules/home' }],
  ['DeleteDataClass', { name: 'dataClasses/health' }],
  [
    'CreateAgreement',
    {
      agreementId: 'help',
      agreement: { partner: 'partners/arnes', beneficiaryAdministration: 'administrations/town' },
    },
  ],
  ['UpdateAgreement', { agreement: { name: 'agreements/help', title: 'Help' } }],
  ['RecallAgreement', { name: 'agreements/help' }],
  ['DeleteAgreement', { name: 'agreements/help' }],
  ['DeletePartner', { name: 'partners/arnes' }],
  ['DeleteAdministration', { name: 'administrations/town' }],
  ['CreateImage', { imageId: 'other', image: tinyImage }],
  ['DeleteImage', { name: 'images/other' }],
  ['Join', { hostId: 'joined', site: 'sites/zagreb', machineId: machineIdOf('joined') }],
  ['CordonHost', { name: 'hosts/joined' }],
  ['UncordonHost', { name: 'hosts/joined' }],
  ['UpdateHost', { host: { name: 'hosts/joined', traits: ['ssd'] } }],
  [
    'CreateStoragePool',
    {
      storagePoolId: 'nfs',
      storagePool: {
        kind: 'STORAGE_POOL_KIND_SHARED',
        site: 'sites/zagreb',
        path: '/srv/nfs',
        hosts: ['hosts/joined'],
        capacityMib: 1000,
      },
    },
  ],
  ['UpdateStoragePool', { storagePool: { name: 'storagePools/nfs', capacityMib: 2000 } }],
  ['DeleteStoragePool', { name: 'storagePools/nfs' }],
  ['RetireHost', { name: 'hosts/joined' }],
  ['CreateVm', { ...newVm('created'), requestId: '' }],
  ['BatchCreateVms', { parent: adm, requests: [{ ...newVm('batched'), requestId: '', parent: '' }] }],
  ['UpdateVm', { vm: { name, title: 'title' } }],
  ['RebootVm', { name }],
  ['StopVm', { name }],
  ['ResizeVm', { name, vcpus: 2 }],
  ['StartVm', { name }],
  ['DeleteVm', { name }],
];

test('asking twice gives the first answer, byte by byte, also after a kill -9', async (t) => {
  t.plan(mutations.length * 3);
  const asked: { method: MethodName; bytes: Buffer; answer: Buffer }[] = [];
  for (const [method, request] of mutations) {
    const bytes = encode(method, { ...request, requestId: randomUUID() });
    const answer = await api.bytes(method, bytes);
    const sequence = await api.sequence();
    t.same(await api.bytes(method, bytes), answer, `${method} again`);
    t.ok((await api.sequence()) - sequence <= 1, 'and nothing was done again; at most an agent has spoken');
    asked.push({ method, bytes, answer });
    const { operations } = await api.call('ListOperations', { filter: 'done = false' });
    for (const operation of operations) await api.call('WaitOperation', { name: operation.name });
  }
  await scheduler.restart();
  for (const { method, bytes, answer } of asked) {
    t.same(await api.bytes(method, bytes), answer, `${method} after a restart`);
  }
});

test('the same id with other content is refused, by method', async (t) => {
  const requestId = randomUUID();
  const site = { partner: 'p', country: 'HR' };
  await api.call('CreateSite', { siteId: 'one', site, requestId });
  t.match(await api.fails('CreateSite', { siteId: 'two', site, requestId }), {
    code: status.FAILED_PRECONDITION,
    reason: 'REQUEST_ID_REUSED',
  });
  t.match(await api.fails('CreateSite', { siteId: 'one', site, requestId: requestId.toUpperCase() }), {
    reason: 'REQUEST_ID_REUSED',
  });
  t.ok(await api.call('CordonSite', { name: 'sites/one', requestId }), 'another method is another call');
});

test('a refusal is not remembered: the same call may succeed later', async (t) => {
  const request = { siteId: 'taken', site: { partner: 'p', country: 'HR' }, requestId: randomUUID() };
  await api.call('CreateSite', { ...request, requestId: '' });
  t.match(await api.fails('CreateSite', request), { code: status.ALREADY_EXISTS });
  t.match(await api.fails('CreateSite', request), { code: status.ALREADY_EXISTS });
  await api.call('DeleteSite', { name: 'sites/taken' });
  t.match(await api.call('CreateSite', request), { site: { name: 'sites/taken' } });
});

test('an answer to a call that changed nothing is given again, at once and after a kill -9', async (t) => {
  const bytes = encode('CordonSite', { name: 'sites/zagreb', requestId: randomUUID() });
  await api.call('CordonSite', { name: 'sites/zagreb' });
  const answer = await api.bytes('CordonSite', bytes);
  await api.call('UncordonSite', { name: 'sites/zagreb' });
  t.same(await api.bytes('CordonSite', bytes), answer);
  await scheduler.restart();
  t.same(await api.bytes('CordonSite', bytes), answer);
  t.equal((await api.call('GetSite', { name: 'sites/zagreb' })).site?.cordoned, false);
});

test('many at once with one id are one call', async (t) => {
  const request = encode('CreateSite', {
    siteId: 'raced',
    site: { partner: 'p', country: 'HR' },
    requestId: randomUUID(),
  });
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.bytes('CreateSite', request)));
  t.equal(new Set(answers.map((answer) => answer.toString('hex'))).size, 1);
});

test('a call without an id is never the same as another', async (t) => {
  const request = encode('CreateSite', { siteId: 'plain', site: { partner: 'p', country: 'HR' } });
  await api.bytes('CreateSite', request);
  t.match(await api.failsBytes('CreateSite', request), { code: status.ALREADY_EXISTS });
});

test('an id that is no UUID is refused', async (t) => {
  const site = { partner: 'p', country: 'HR' };
  for (const requestId of ['x', '1', ' ', 'not-a-uuid', `${randomUUID()}0`, '__proto__', '\0']) {
    t.match(await api.fails('CreateSite', { siteId: 'bad', site, requestId }), {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: 'request_id' }] },
    });
  }
});

test('the agent of all this saw one life of every VM', async (t) => {
  const terms = agent.heard.all.flatMap(({ desired }) => (desired ? [desired.term] : []));
  t.same(new Set(terms), new Set([1]));
});
