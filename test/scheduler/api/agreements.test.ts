import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Agreement } from '../../../proto/gen/secovia/v1/Agreement.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const site = { partner: 'arnes', country: 'SI' };
await api.call('CreateSite', { siteId: 'ljubljana', site });
await api.call('CreatePartner', { partnerId: 'idle', partner: { country: 'MK' } });

const terms: Agreement = {
  title: 'Помоћ',
  partner: 'partners/arnes',
  beneficiaryAdministration: adm,
  limit: { vcpus: 2, extras: { 'gpu:a30': 0 } },
  limitPercent: 50,
  reserve: { memoryMib: 1024 },
  price: { currency: 'EUR', vcpuMicros: 12_000, memoryGibMicros: 1600, diskGibMicros: 1, stoppedPercent: 25 },
  validUntil: { seconds: 4_000_000_000 },
  noticeDays: 90,
};
const create = async (agreementId: string, change: Agreement = {}) =>
  (await api.call('CreateAgreement', { agreementId, agreement: { ...terms, ...change } })).agreement;
const name = 'agreements/help';

test('an agreement, through every call', async (t) => {
  const created = await create('help');
  t.match(created, {
    ...terms,
    name,
    beneficiary: 'beneficiaryAdministration',
    state: 'AGREEMENT_STATE_IN_FORCE',
    noticeUntil: null,
    recalled: false,
    used: { vcpus: 0, vms: 0 },
    etag: '"1"',
  });
  t.equal(created?.limit?.vms, undefined);
  await scheduler.restart();
  t.same((await api.call('GetAgreement', { name })).agreement, created, 'after a restart');
  const updated = await api.call('UpdateAgreement', {
    agreement: { name, limit: { vcpus: 3 }, price: { currency: 'BAM', vcpuMicros: 5 }, etag: '"1"' },
  });
  t.match(updated.agreement, {
    title: 'Помоћ',
    limit: { vcpus: 3, extras: {} },
    price: { currency: 'BAM', vcpuMicros: 5, memoryGibMicros: 0, stoppedPercent: 0 },
    limitPercent: 50,
    etag: '"2"',
  });
  const cleared = await api.call('UpdateAgreement', {
    agreement: { name },
    updateMask: { paths: ['limit_percent', 'reserve', 'validUntil', 'notice_days', 'price', 'title'] },
  });
  t.match(cleared.agreement, {
    limitPercent: 0,
    reserve: { extras: {} },
    validUntil: null,
    noticeDays: 0,
    price: { currency: '', vcpuMicros: 0 },
    title: '',
    limit: { vcpus: 3 },
  });
  t.equal(cleared.agreement?.reserve?.memoryMib, undefined);
});

test('a VM goes to a site of others under an agreement, shows it, and what it uses is counted', async (t) => {
  await federation.host('si', { site: 'ljubljana', obeys: true });
  await api.call('UpdateAgreement', { agreement: { name, limit: { vcpus: 1 }, noticeDays: 30 } });
  const vm = await federation.vm('guest');
  t.match(vm, { host: 'hosts/si', agreement: name });
  t.match((await api.call('GetAgreement', { name })).agreement, { used: { vcpus: 1, vms: 1 } });
  t.match((await api.call('GetPartner', { name: 'partners/arnes' })).partner, { heldByOthers: { vms: 1 } });
  t.match(await api.fails('CreateVm', newVm('more')), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'AGREEMENT_EXHAUSTED',
    details: { quota: [{ subject: name, description: /allows 1 vCPU/ }] },
  });
  t.match(await api.fails('DeleteAgreement', { name }), {
    code: status.FAILED_PRECONDITION,
    reason: 'AGREEMENT_IN_USE',
  });
  t.match(await api.fails('DeletePartner', { name: 'partners/arnes' }), { reason: 'PARTNER_IN_USE' });
});

test('a recalled agreement takes nothing new, and gives what is there its notice', async (t) => {
  t.match(await api.fails('RecallAgreement', { name, etag: '"1"' }), { code: status.ABORTED });
  const recalled = (await api.call('RecallAgreement', { name })).agreement;
  t.match(recalled, { state: 'AGREEMENT_STATE_NOTICE', recalled: true });
  t.ok(Number(recalled?.noticeUntil?.seconds) > Date.now() / 1000 + 29 * 86_400);
  t.match(await api.fails('CreateVm', newVm('more')), {
    code: status.FAILED_PRECONDITION,
    reason: 'NO_AGREEMENT',
    message: /secovia agreement create/,
  });
  t.match((await api.call('ListBreaches', {})).breaches, [], 'nothing is in breach while the notice runs');
  t.match(await api.fails('RecallAgreement', { name }), { reason: 'AGREEMENT_RECALLED' });
  t.match(await api.fails('UpdateAgreement', { agreement: { name, title: 'x' } }), {
    reason: 'AGREEMENT_RECALLED',
  });
});

test('a VM under an agreement that has ended is in breach', async (t) => {
  await create('brief', { limit: {}, limitPercent: 0, reserve: {}, noticeDays: 0 });
  const vm = await federation.vm('late');
  t.equal(vm.agreement, 'agreements/brief');
  t.match((await api.call('RecallAgreement', { name: 'agreements/brief' })).agreement, {
    state: 'AGREEMENT_STATE_ENDED',
  });
  t.match((await api.call('ListBreaches', { administration: adm })).breaches, [
    { vm: vm.name, reasonCode: 'AGREEMENT_ENDED', reason: /agreement "brief"/, plannedHost: '' },
  ]);
  t.ok((await federation.get(vm.name)).breachTime);
});

test('agreements are listed, all or those of a partner', async (t) => {
  await create('between', {
    partner: 'partners/partner',
    beneficiaryAdministration: undefined,
    beneficiaryPartner: 'partners/arnes',
  });
  const listed = async (partner: string) =>
    (await api.call('ListAgreements', { partner })).agreements.map((each) => each.name);
  t.same(await listed(''), ['agreements/between', 'agreements/brief', name]);
  t.same(await listed('partners/arnes'), ['agreements/brief', name]);
  t.same(await listed('partners/idle'), []);
  t.match(await api.fails('ListAgreements', { partner: 'partners/none' }), { reason: 'PARTNER_NOT_FOUND' });
  t.match(await api.fails('ListAgreements', { partner: 'none' }), { code: status.INVALID_ARGUMENT });
  t.same(await api.call('DeleteAgreement', { name: 'agreements/between', etag: '"1"' }), {});
  t.match(await api.fails('GetAgreement', { name: 'agreements/between' }), { reason: 'AGREEMENT_NOT_FOUND' });
});

test('every field that is wrong is named, and nothing is left behind', async (t) => {
  const before = await api.sequence();
  t.match(
    await api.fails('CreateAgreement', {
      agreementId: 'A',
      agreement: {
        title: '\0',
        partner: 'arnes',
        limit: { vcpus: -1 },
        limitPercent: 101,
        reserve: { vms: -1 },
        price: { vcpuMicros: 1, diskGibMicros: -1, stoppedPercent: 101 },
        noticeDays: 3651,
      },
    }),
    {
      code: status.INVALID_ARGUMENT,
      message: /and 1 more/,
      details: {
        fieldViolations: [
          { field: 'agreement_id' },
          { field: 'agreement.title' },
          { field: 'agreement.partner' },
          {
            field: 'agreement.beneficiary',
            description: /beneficiary_partner or beneficiary_administration/,
          },
          { field: 'agreement.limit.vcpus' },
          { field: 'agreement.limit_percent' },
          { field: 'agreement.reserve.vms' },
          { field: 'agreement.price.disk_gib_micros' },
          { field: 'agreement.price.stopped_percent' },
          { field: /agreement/ },
        ],
      },
    },
  );
  const invalid = async (change: Agreement) =>
    (await api.fails('CreateAgreement', { agreementId: 'x', agreement: { ...terms, ...change } })).details
      .fieldViolations;
  t.match(await invalid({ price: { vcpuMicros: 1 } }), [
    { field: 'agreement.price.currency', description: /is missing; it must be three capital letters/ },
  ]);
  t.match(await invalid({ price: { currency: 'eur' } }), [{ field: 'agreement.price.currency' }]);
  t.match(await invalid({ validFrom: { seconds: 4e9 }, validUntil: { seconds: 4e9 } }), [
    { field: 'agreement.valid_until' },
  ]);
  t.match(await invalid({ validUntil: { seconds: 1e6 } }), [{ field: 'agreement.valid_until' }]);
  t.match(await api.fails('CreateAgreement', { agreementId: 'x' }), {
    details: { fieldViolations: [{ field: 'agreement' }] },
  });
  t.match(await api.fails('UpdateAgreement', { agreement: { name }, updateMask: { paths: ['partner'] } }), {
    details: { fieldViolations: [{ field: 'update_mask', description: /limit_percent/ }] },
  });
  t.equal(await api.sequence(), before);
});

test('what does not exist, exists already or makes no sense is refused as such', async (t) => {
  const refused = (change: Agreement, agreementId = 'x') =>
    api.fails('CreateAgreement', { agreementId, agreement: { ...terms, ...change } });
  t.match(await refused({}, 'help'), { code: status.ALREADY_EXISTS, reason: 'AGREEMENT_EXISTS' });
  t.match(await refused({ partner: 'partners/none' }), { reason: 'PARTNER_NOT_FOUND' });
  t.match(await refused({ beneficiaryAdministration: 'administrations/none' }), {
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
  t.match(await refused({ beneficiaryAdministration: undefined, beneficiaryPartner: 'partners/arnes' }), {
    code: status.FAILED_PRECONDITION,
    reason: 'AGREEMENT_WITH_ITSELF',
  });
  for (const method of ['RecallAgreement', 'DeleteAgreement'] as const)
    t.match(await api.fails(method, { name: 'agreements/none' }), { code: status.NOT_FOUND });
  t.match(await api.fails('UpdateAgreement', { agreement: { name: 'agreements/none', title: 'x' } }), {
    code: status.NOT_FOUND,
  });
  t.match(await api.fails('DeleteAgreement', { name, etag: '"99"' }), { code: status.ABORTED });
});
