import t from 'tap';
import type { ResidencyRule } from '../../../proto/gen/secovia/v1/ResidencyRule.js';
import { ago, webUid } from '../fixtures.js';
import { cli, nowMs } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const gdpr: ResidencyRule = {
  name: 'residencyRules/gdpr',
  dataClass: 'dataClasses/personal',
  administration: 'administrations/croatia',
  allowed: { countries: ['HR', 'SI'], jurisdictions: ['EU'] },
  forbidden: { countries: ['AL'] },
  legalBasis: 'GDPR, Art. 44',
  priority: 100,
  validFrom: ago(3600),
  state: 'RULE_STATE_IN_FORCE',
  etag: '"3"',
};

t.test('data classes: create, list, delete', async (t) => {
  server.on('ResidencyService', 'CreateDataClass', ({ dataClassId, dataClass }) => ({
    dataClass: { ...dataClass, name: `dataClasses/${dataClassId}` },
  }));
  t.match(await secovia('class', 'create', 'health', '--level', '35', '--title', 'Здравље'), {
    code: 0,
    out: 'created data class health\n',
  });
  t.match(server.sent('ResidencyService', 'CreateDataClass'), [
    { dataClassId: 'health', dataClass: { level: 35, title: 'Здравље' } },
  ]);
  t.match(await secovia('class', 'create', 'health', '--level', '101'), { code: 2, err: /0 to 100/ });
  server.on('ResidencyService', 'ListDataClasses', () => ({
    dataClasses: [
      { name: 'dataClasses/health', level: 35, title: 'Здравље', createTime: ago(10) },
      { name: 'dataClasses/public', level: 0, builtIn: true },
    ],
  }));
  t.equal(
    (await secovia('class', 'list')).out,
    [
      'NAME    LEVEL  AGE  TITLE    NOTE',
      'health     35  10s  Здравље',
      'public      0                built in',
      '',
    ].join('\n'),
  );
  server.on('ResidencyService', 'DeleteDataClass', () => ({}));
  t.match(await secovia('class', 'delete', 'health'), { out: 'deleted data class health\n' });
  t.match(server.sent('ResidencyService', 'DeleteDataClass'), [{ name: 'dataClasses/health' }]);
});

t.test('create sends places, dates and the law', async (t) => {
  server.on('ResidencyService', 'CreateResidencyRule', ({ residencyRuleId, residencyRule }) => ({
    residencyRule: { ...residencyRule, name: `residencyRules/${residencyRuleId}` },
  }));
  const words = ['residency', 'create', 'gdpr', '--data-class', 'personal', '--legal-basis', 'GDPR, Art. 44'];
  t.match(
    await secovia(
      ...words,
      ...'--administration croatia --allow-country hr --allow-country SI --allow-jurisdiction EU'.split(' '),
      ...'--forbid-country AL --priority 100 --from 2027-01-01 --until 2028-01-01 --start-in-place-until 90d'.split(
        ' ',
      ),
    ),
    { code: 0, out: 'created residency rule gdpr\n' },
  );
  t.match(server.sent('ResidencyService', 'CreateResidencyRule'), [
    {
      residencyRuleId: 'gdpr',
      residencyRule: {
        dataClass: 'dataClasses/personal',
        administration: 'administrations/croatia',
        allowed: { countries: ['HR', 'SI'], jurisdictions: ['EU'] },
        forbidden: { countries: ['AL'], jurisdictions: [] },
        legalBasis: 'GDPR, Art. 44',
        priority: 100,
        validFrom: { seconds: Date.UTC(2027, 0, 1) / 1000 },
        validUntil: { seconds: Date.UTC(2028, 0, 1) / 1000 },
        startInPlaceUntil: { seconds: nowMs / 1000 + 90 * 86_400 },
      },
    },
  ]);
  t.match(await secovia(...words), { code: 2, err: /which places\?/ });
  t.match(await secovia('residency', 'create', 'x', '--data-class', 'public', '--allow-country', 'HR'), {
    code: 2,
    err: /--legal-basis <text>/,
  });
  t.match(await secovia(...words, '--allow-country', 'HR', '--priority', '1001'), {
    code: 2,
    err: /0 to 1000/,
  });
});

t.test('list and show', async (t) => {
  const all = {
    ...gdpr,
    name: 'residencyRules/all',
    administration: '',
    state: 'RULE_STATE_PLANNED' as const,
  };
  server.on('ResidencyService', 'ListResidencyRules', () => ({ residencyRules: [all, gdpr] }));
  const { out } = await secovia('residency', 'list', '-A', 'osijek');
  t.match(out, /^all +personal +all +100 +PLANNED +HR,SI,EU +AL +GDPR, Art. 44$/m);
  t.match(out, /^gdpr +personal +croatia +100 +IN_FORCE/m);
  t.match(server.sent('ResidencyService', 'ListResidencyRules'), [
    { administration: 'administrations/osijek' },
  ]);
  server.on('ResidencyService', 'GetResidencyRule', () => ({ residencyRule: gdpr }));
  const sheet = (await secovia('residency', 'show', 'gdpr')).out;
  t.match(sheet, /^Administration +croatia and those below it$/m);
  t.match(sheet, /^Allowed countries +HR, SI$/m);
  t.match(sheet, /^Legal basis +GDPR, Art. 44$/m);
  t.notMatch(sheet, /Valid until/);
});

t.test('update changes one kind of place and leaves the other, under the etag that was read', async (t) => {
  server.on('ResidencyService', 'GetResidencyRule', () => ({ residencyRule: gdpr }));
  server.on('ResidencyService', 'UpdateResidencyRule', ({ residencyRule }) => ({
    residencyRule: { name: residencyRule.name ?? '' },
  }));
  const reads = () => server.sent('ResidencyService', 'GetResidencyRule').length;
  const before = reads();
  t.match(await secovia('residency', 'update', 'gdpr', '--allow-country', 'HR', '--no-forbid-country'), {
    out: 'updated residency rule gdpr\n',
  });
  t.equal(reads(), before + 1);
  await secovia('residency', 'update', 'gdpr', '--no-until', '--priority', '0', '--etag', '"9"');
  t.equal(reads(), before + 1, 'what is replaced whole is not read');
  t.match(server.sent('ResidencyService', 'UpdateResidencyRule'), [
    {
      updateMask: { paths: ['allowed', 'forbidden'] },
      residencyRule: {
        name: 'residencyRules/gdpr',
        allowed: { countries: ['HR'], jurisdictions: ['EU'] },
        forbidden: { countries: [], jurisdictions: [] },
        etag: '"3"',
      },
    },
    {
      updateMask: { paths: ['priority', 'valid_until'] },
      residencyRule: { validUntil: null, priority: 0, etag: '"9"' },
    },
  ]);
  t.match(await secovia('residency', 'update', 'gdpr'), { code: 2, err: /nothing to change/ });
});

t.test('delete', async (t) => {
  server.on('ResidencyService', 'DeleteResidencyRule', () => ({}));
  t.match(await secovia('residency', 'delete', 'gdpr'), { out: 'deleted residency rule gdpr\n' });
});

t.test('explain is a verdict for each site', async (t) => {
  server.on('ResidencyService', 'ExplainResidency', () => ({
    sites: [
      {
        site: 'sites/zagreb',
        lawful: true,
        served: true,
        residencyRule: 'residencyRules/gdpr',
        reason: 'allowed',
      },
      {
        site: 'sites/tirana',
        lawful: false,
        served: true,
        agreements: ['agreements/g'],
        reason: 'forbidden',
      },
    ],
  }));
  t.equal(
    (await secovia('residency', 'explain', 'osijek', '--data-class', 'personal')).out,
    [
      'SITE    LAWFUL  SERVED  RULE  AGREEMENTS  REASON',
      'zagreb  yes     yes     gdpr              allowed',
      'tirana  no      yes           g           forbidden',
      '',
    ].join('\n'),
  );
  t.match(server.sent('ResidencyService', 'ExplainResidency'), [
    { administration: 'administrations/osijek', dataClass: 'dataClasses/personal' },
  ]);
  t.equal((await secovia('residency', 'explain', 'osijek', '-o', 'name')).out, 'sites/zagreb\n');
});

t.test('breaches say which VM, why, since when, and where it would go', async (t) => {
  server.on('ResidencyService', 'ListBreaches', () => ({
    breaches: [
      {
        vm: 'administrations/city/vms/web',
        vmUid: webUid,
        host: 'hosts/tirana-a',
        site: 'sites/tirana',
        reasonCode: 'NOT_LAWFUL',
        reason: 'rule "gdpr"',
        age: { seconds: 7200 },
        startInPlaceUntil: { seconds: nowMs / 1000 + 86_400 * 3 },
        plannedHost: 'hosts/zagreb-a',
      },
      {
        vm: 'administrations/city/vms/db',
        reasonCode: 'AGREEMENT_ENDED',
        reason: 'it has ended',
        noHost: 'there are no hosts',
      },
    ],
  }));
  const { out } = await secovia('residency', 'breaches', '-A', 'city');
  t.match(
    out,
    /^city\/web +tirana-a +tirana +NOT_LAWFUL +2h +2026-11-26T07:00:00Z \(in 3d\) +zagreb-a +rule "gdpr"$/m,
  );
  t.match(out, /^city\/db +AGREEMENT_ENDED +0s +it has ended; there are no hosts$/m);
  t.match(server.sent('ResidencyService', 'ListBreaches'), [{ administration: 'administrations/city' }]);
  t.equal(
    (await secovia('residency', 'breaches', '-o', 'name')).out,
    'administrations/city/vms/web\nadministrations/city/vms/db\n',
  );
  server.on('ResidencyService', 'ListBreaches', () => ({}));
  t.match(await secovia('residency', 'breaches'), { code: 0, out: '', err: /every VM is where it may be/ });
});
