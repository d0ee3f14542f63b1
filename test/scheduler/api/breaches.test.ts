import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { eventually } from '../within.js';
import { adm, Federation } from './federation.js';

const federation = await Federation.start(tap);
const { api } = federation;
await federation.site('split');
await api.call('CreateAdministration', { administrationId: 'other', administration: { country: 'HR' } });
const agent = await federation.host('a', { obeys: true });
const dataClass = 'dataClasses/personal';
const names: string[] = [];
for (let index = 0; index < 5; index += 1)
  names.push((await federation.vm(`vm-${index}`, { dataClass })).name);
await federation.vm('public', { dataClass: 'dataClasses/public' });

const breaches = async (administration = '') => (await api.call('ListBreaches', { administration })).breaches;
const rule = {
  dataClass,
  allowed: { jurisdictions: ['EU'] },
  legalBasis: 'GDPR, Art. 44',
  startInPlaceUntil: { seconds: 4_000_000_000 },
};

test('VMs that are where they may not be any more are listed, and say so themselves', async (t) => {
  t.same(await breaches(), []);
  await api.call('CreateResidencyRule', { residencyRuleId: 'tight', residencyRule: rule });
  const listed = await breaches();
  t.same(
    listed.map(({ vm }) => vm),
    names,
  );
  t.match(listed[0], {
    host: 'hosts/a',
    site: 'sites/zagreb',
    reasonCode: 'NOT_LAWFUL',
    reason: /residency rule "tight" does not allow personal data of "adm" on site "zagreb"/,
    startInPlaceUntil: { seconds: 4_000_000_000 },
    plannedHost: '',
    noHost: /no host can take/,
  });
  const [first] = listed;
  t.ok(first?.since?.seconds);
  t.ok(Number(first?.age?.seconds) < 60);
  const vm = await federation.get(names[0] ?? '');
  t.same(vm.breachTime, first?.since);
  t.equal(vm.uid, first?.vmUid);
  t.equal((await federation.get(`${adm}/vms/public`)).breachTime, null);
  const warned = (log: typeof federation.scheduler.log) =>
    log.some(({ level, msg }) => level === 40 && msg.includes('may not be any more'));
  t.ok(await eventually('the log warns', async () => federation.scheduler.log, warned));
});

test('breaches come in pages, of a subtree or of all', async (t) => {
  const seen: string[] = [];
  let pageToken = '';
  let pages = 0;
  do {
    const page = await api.call('ListBreaches', { administration: adm, pageSize: 2, pageToken });
    seen.push(...page.breaches.map(({ vm }) => vm));
    pageToken = page.nextPageToken;
    pages += 1;
  } while (pageToken !== '');
  t.same(seen, names);
  t.ok(pages >= 3);
  t.same(await breaches('administrations/other'), []);
  t.match(await api.fails('ListBreaches', { administration: 'administrations/none' }), {
    code: status.NOT_FOUND,
  });
  t.match(await api.fails('ListBreaches', { administration: 'x', pageSize: -1, pageToken: 'x' }), {
    details: {
      fieldViolations: [{ field: 'administration' }, { field: 'page_size' }, { field: 'page_token' }],
    },
  });
});

test('where a VM in breach would go is said when there is such a host', async (t) => {
  await api.call('UpdateSite', { site: { name: 'sites/split', jurisdictions: ['EU'] } });
  await federation.host('b', { site: 'split' });
  t.match(await breaches(), [{ plannedHost: 'hosts/b', noHost: '' }]);
});

test('a breach ends with its reason', async (t) => {
  await api.call('UpdateResidencyRule', {
    residencyRule: { name: 'residencyRules/tight', allowed: { countries: ['HR'] } },
  });
  t.same(await breaches(), []);
  t.equal((await federation.get(names[0] ?? '')).breachTime, null);
  agent.close();
});
