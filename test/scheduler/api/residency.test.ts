import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { ResidencyRule } from '../../../proto/gen/secovia/v1/ResidencyRule.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;
await federation.site('ljubljana', 'SI');
await api.call('CreateAdministration', {
  administrationId: 'town',
  administration: { country: 'HR', parent: adm },
});
await api.call('CreateAdministration', { administrationId: 'other', administration: { country: 'HR' } });

const [from, until, start] = [3_900_000_000, 4_000_000_000, 3_950_000_000].map((seconds) => ({ seconds }));
const rule: ResidencyRule = {
  dataClass: 'dataClasses/personal',
  administration: adm,
  allowed: { countries: ['SI', 'HR', 'SI'], jurisdictions: ['EU'] },
  forbidden: { countries: ['AL'] },
  legalBasis: 'GDPR, Art. 44',
  priority: 100,
};
const create = async (residencyRuleId: string, change: ResidencyRule = {}) =>
  (await api.call('CreateResidencyRule', { residencyRuleId, residencyRule: { ...rule, ...change } }))
    .residencyRule;

test('data classes: those that are built in, and the own ones', async (t) => {
  const created = await api.call('CreateDataClass', {
    dataClassId: 'health',
    dataClass: { title: 'Здравље', level: 35 },
  });
  t.match(created.dataClass, { name: 'dataClasses/health', title: 'Здравље', level: 35, builtIn: false });
  await scheduler.restart();
  const { dataClasses } = await api.call('ListDataClasses', {});
  t.same(
    dataClasses.map(({ name, level, builtIn }) => [name, level, builtIn]),
    [
      ['dataClasses/health', 35, false],
      ['dataClasses/internal', 10, true],
      ['dataClasses/personal', 20, true],
      ['dataClasses/public', 0, true],
      ['dataClasses/special', 30, true],
    ],
  );
  t.match(await api.fails('CreateDataClass', { dataClassId: 'health', dataClass: { level: 1 } }), {
    code: status.ALREADY_EXISTS,
    reason: 'DATA_CLASS_EXISTS',
  });
  t.match(await api.fails('CreateDataClass', { dataClassId: 'A', dataClass: { level: 101, title: '\0' } }), {
    details: {
      fieldViolations: [
        { field: 'data_class_id' },
        { field: 'data_class.title' },
        { field: 'data_class.level', description: '101 must be a whole number from 0 to 100' },
      ],
    },
  });
  t.match(await api.fails('CreateDataClass', { dataClassId: 'x' }), {
    details: { fieldViolations: [{ field: 'data_class' }] },
  });
  t.match(await api.fails('DeleteDataClass', { name: 'dataClasses/public' }), { reason: 'CLASS_BUILT_IN' });
  t.match(await api.fails('DeleteDataClass', { name: 'public' }), { code: status.INVALID_ARGUMENT });
  await create('of-health', { dataClass: 'dataClasses/health' });
  t.match(await api.fails('DeleteDataClass', { name: 'dataClasses/health' }), { reason: 'CLASS_IN_USE' });
  await api.call('DeleteResidencyRule', { name: 'residencyRules/of-health' });
  t.same(await api.call('DeleteDataClass', { name: 'dataClasses/health' }), {});
  t.match(await api.fails('DeleteDataClass', { name: 'dataClasses/health' }), {
    code: status.NOT_FOUND,
    reason: 'DATA_CLASS_NOT_FOUND',
  });
});

test('a residency rule, through every call', async (t) => {
  const dates = { validFrom: from ?? null, validUntil: until ?? null, startInPlaceUntil: start ?? null };
  const created = await create('gdpr', dates);
  t.match(created, {
    ...rule,
    name: 'residencyRules/gdpr',
    allowed: { countries: ['SI', 'HR'], jurisdictions: ['EU'] },
    validFrom: { seconds: 3_900_000_000 },
    validUntil: { seconds: 4_000_000_000 },
    startInPlaceUntil: { seconds: 3_950_000_000 },
    state: 'RULE_STATE_PLANNED',
    etag: '"1"',
  });
  const name = 'residencyRules/gdpr';
  await scheduler.restart();
  t.same((await api.call('GetResidencyRule', { name })).residencyRule, created, 'after a restart');
  const updated = await api.call('UpdateResidencyRule', {
    residencyRule: { name, forbidden: { jurisdictions: ['US'] }, priority: 7, etag: '"1"' },
  });
  t.match(updated.residencyRule, {
    allowed: { countries: ['SI', 'HR'] },
    forbidden: { countries: [], jurisdictions: ['US'] },
    priority: 7,
    etag: '"2"',
  });
  const cleared = await api.call('UpdateResidencyRule', {
    residencyRule: { name },
    updateMask: { paths: ['valid_until', 'startInPlaceUntil', 'priority'] },
  });
  t.match(cleared.residencyRule, { validUntil: null, startInPlaceUntil: null, priority: 0 });
  t.same(await api.call('DeleteResidencyRule', { name, etag: '"3"' }), {});
  t.match(await api.fails('GetResidencyRule', { name }), {
    code: status.NOT_FOUND,
    reason: 'RESIDENCY_RULE_NOT_FOUND',
  });
  t.match(await create('now'), { state: 'RULE_STATE_IN_FORCE', validUntil: null });
  t.ok((await create('for-all', { administration: '' }))?.validFrom?.seconds, 'at once is a moment');
});

test('rules are listed: all, or those that hold for an administration', async (t) => {
  await create('of-town', { administration: 'administrations/town' });
  await create('of-other', { administration: 'administrations/other' });
  const names = async (administration: string) =>
    (await api.call('ListResidencyRules', { administration })).residencyRules.map(({ name }) =>
      name.slice('residencyRules/'.length),
    );
  t.same(await names(''), ['for-all', 'now', 'of-other', 'of-town']);
  t.same(await names('administrations/town'), ['for-all', 'now', 'of-town']);
  t.same(await names(adm), ['for-all', 'now']);
  t.match(await api.fails('ListResidencyRules', { administration: 'administrations/none' }), {
    code: status.NOT_FOUND,
  });
  for (const name of ['for-all', 'now', 'of-other', 'of-town'])
    await api.call('DeleteResidencyRule', { name: `residencyRules/${name}` });
});

test('every field that is wrong is named, and nothing is left behind', async (t) => {
  const before = await api.sequence();
  t.match(
    await api.fails('CreateResidencyRule', {
      residencyRuleId: '9',
      residencyRule: {
        dataClass: 'personal',
        administration: 'adm',
        allowed: { countries: ['hr'], jurisdictions: ['E U'] },
        legalBasis: ' ',
        priority: 1001,
        validFrom: { seconds: 4e9 },
        validUntil: { seconds: 3e9 },
        startInPlaceUntil: { seconds: -1 },
      },
    }),
    {
      code: status.INVALID_ARGUMENT,
      details: {
        fieldViolations: [
          { field: 'residency_rule_id' },
          { field: 'residency_rule.data_class' },
          { field: 'residency_rule.administration' },
          { field: 'residency_rule.allowed.countries' },
          { field: 'residency_rule.allowed.jurisdictions' },
          { field: 'residency_rule.legal_basis', description: /is missing; name what/ },
          { field: 'residency_rule.priority' },
          { field: 'residency_rule.valid_until', description: /later than the moment from which/ },
          { field: 'residency_rule.start_in_place_until' },
        ],
      },
    },
  );
  const invalid = async (change: ResidencyRule) =>
    (await api.fails('CreateResidencyRule', { residencyRuleId: 'x', residencyRule: { ...rule, ...change } }))
      .details.fieldViolations;
  t.match(await invalid({ allowed: null, forbidden: {} }), [
    { field: 'residency_rule.allowed', description: /at least one place/ },
  ]);
  t.match(await invalid({ legalBasis: 'x'.repeat(1001) }), [{ field: 'residency_rule.legal_basis' }]);
  t.match(await invalid({ validUntil: { seconds: 1_000_000 } }), [{ field: 'residency_rule.valid_until' }]);
  t.match(await api.fails('CreateResidencyRule', { residencyRuleId: 'x' }), {
    details: { fieldViolations: [{ field: 'residency_rule' }] },
  });
  t.equal(await api.sequence(), before);
});

test('what does not exist, exists already, has changed or says nothing any more is refused as such', async (t) => {
  await create('taken');
  const refused = (change: ResidencyRule, id = 'x') =>
    api.fails('CreateResidencyRule', { residencyRuleId: id, residencyRule: { ...rule, ...change } });
  t.match(await refused({}, 'taken'), { code: status.ALREADY_EXISTS, reason: 'RESIDENCY_RULE_EXISTS' });
  t.match(await refused({ dataClass: 'dataClasses/none' }), { reason: 'DATA_CLASS_NOT_FOUND' });
  t.match(await refused({ administration: 'administrations/none' }), { reason: 'ADMINISTRATION_NOT_FOUND' });
  const name = 'residencyRules/taken';
  const update = (residencyRule: ResidencyRule, ...paths: string[]) =>
    api.fails('UpdateResidencyRule', { residencyRule, updateMask: { paths } });
  t.match(await update({ name, priority: 1, etag: '"9"' }), { code: status.ABORTED });
  t.match(await update({ name: 'residencyRules/none', priority: 1 }), { code: status.NOT_FOUND });
  t.match(await update({ name }, 'allowed', 'forbidden'), {
    code: status.INVALID_ARGUMENT,
    details: { fieldViolations: [{ field: 'residency_rule.allowed' }] },
  });
  t.match(await update({ name }, 'data_class'), { details: { fieldViolations: [{ field: 'update_mask' }] } });
  t.match(await api.fails('DeleteResidencyRule', { name, etag: '"9"' }), { code: status.ABORTED });
  t.same(await api.call('DeleteResidencyRule', { name }), {});
});

test('residency explains each site: whether it is lawful, by which rule, and who serves it', async (t) => {
  const explain = async (dataClass: string) =>
    (await api.call('ExplainResidency', { administration: adm, dataClass })).sites;
  t.match(await explain(''), [
    { site: 'sites/ljubljana', lawful: true, residencyRule: '', served: true, agreements: [] },
    { site: 'sites/zagreb', lawful: true },
  ]);
  t.match(await explain('dataClasses/personal'), [
    { site: 'sites/ljubljana', lawful: false, residencyRule: '', reason: /stay in HR/ },
    { site: 'sites/zagreb', lawful: true, reason: /own country/ },
  ]);
  await create('slovenia', { allowed: { countries: ['SI'] }, forbidden: null });
  t.match(await explain('dataClasses/personal'), [
    { site: 'sites/ljubljana', lawful: true, residencyRule: 'residencyRules/slovenia' },
    { site: 'sites/zagreb', lawful: false, residencyRule: 'residencyRules/slovenia', reason: /GDPR/ },
  ]);
  t.match(await api.fails('ExplainResidency', { administration: 'administrations/none' }), {
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
  t.match(await api.fails('ExplainResidency', { administration: adm, dataClass: 'dataClasses/none' }), {
    reason: 'DATA_CLASS_NOT_FOUND',
  });
  t.match(await api.fails('ExplainResidency', { administration: '', dataClass: 'x' }), {
    details: { fieldViolations: [{ field: 'administration' }, { field: 'data_class' }] },
  });
  await api.call('DeleteResidencyRule', { name: 'residencyRules/slovenia' });
});

test('a VM is made of a class, is placed by it, and its class is changed where that is lawful', async (t) => {
  await federation.host('si', { site: 'ljubljana', obeys: true });
  const personal = { dataClass: 'dataClasses/personal' };
  const refused = await api.fails('CreateVm', newVm('register', personal));
  t.match(refused, {
    code: status.FAILED_PRECONDITION,
    reason: 'NOT_LAWFUL',
    message: /secovia residency explain/,
  });
  t.match(await api.fails('CreateVm', { ...newVm('register', personal), validateOnly: true }), {
    reason: 'NOT_LAWFUL',
  });
  const asked = { parent: adm, vm: { ...newVm('').vm, ...personal } };
  t.match(await api.call('ExplainPlacement', asked), { chosen: null, exclusions: [{ code: 'NOT_LAWFUL' }] });
  t.equal((await api.call('EstimateCapacity', asked)).vms, 0);
  const plain = await federation.vm('plain');
  t.match(plain, { dataClass: 'dataClasses/internal', agreement: '', parked: false, breachTime: null });
  await federation.host('hr', { obeys: true });
  const register = await federation.vm('register', personal);
  t.match(register, { host: 'hosts/hr', dataClass: 'dataClasses/personal' });
  const update = { vm: { name: register.name, dataClass: 'dataClasses/special' } };
  t.match((await api.call('UpdateVm', update)).vm, { dataClass: 'dataClasses/special' });
  const back = { vm: { name: register.name }, updateMask: { paths: ['data_class'] } };
  t.match((await api.call('UpdateVm', back)).vm, { dataClass: 'dataClasses/internal' });
  t.match(await api.fails('UpdateVm', { vm: { name: plain.name, ...personal } }), {
    code: status.FAILED_PRECONDITION,
    reason: 'NOT_LAWFUL',
  });
  t.match(await api.fails('UpdateVm', { vm: { name: plain.name, dataClass: 'dataClasses/none' } }), {
    code: status.NOT_FOUND,
  });
  for (const method of ['CreateVm', 'ExplainPlacement'] as const) {
    const bad = { ...newVm(method === 'CreateVm' ? 'bad' : '').vm, dataClass: 'personal' };
    const request = method === 'CreateVm' ? { ...newVm('bad'), vm: bad } : { parent: adm, vm: bad };
    t.match(await api.fails(method, request), {
      details: { fieldViolations: [{ field: 'vm.data_class', description: /dataClasses\/ID/ }] },
    });
  }
  t.match(await api.fails('CreateVm', newVm('bad', { dataClass: 'dataClasses/none' })), {
    reason: 'DATA_CLASS_NOT_FOUND',
  });
});
