import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ago } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const sofia = {
  name: 'sites/sofia-1',
  title: 'София',
  partner: 'acme',
  country: 'BG',
  jurisdictions: ['EU', 'EEA'],
  hostCount: 3,
  etag: '"1"',
  createTime: ago(86_400 * 5),
};
const tirana = { name: 'sites/tirana', partner: 'beta', country: 'AL', cordoned: true, createTime: ago(30) };

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

t.test('create sends what was said, with a fresh request id', async (t) => {
  server.on('SiteService', 'CreateSite', ({ siteId, site }) => ({
    site: { ...site, name: `sites/${siteId}` },
  }));
  const words =
    'site create sofia-1 --partner acme --country bg --jurisdiction EU --jurisdiction EEA --title София';
  const result = await secovia(...words.split(' '));
  t.match(result, { code: 0, out: 'created site sofia-1\n', err: '' });
  await secovia('site', 'create', 'sites/other', '--partner', 'a', '--country', 'BG');
  const [first, second] = server.sent('SiteService', 'CreateSite');
  t.match(first, {
    siteId: 'sofia-1',
    site: { partner: 'acme', country: 'BG', jurisdictions: ['EU', 'EEA'], title: 'София' },
    requestId: /^[0-9a-f-]{36}$/,
  });
  t.equal(second?.siteId, 'other', "the contract's own form is taken as well");
  t.not(first?.requestId, second?.requestId);
});

t.test('create without what it needs says so and calls nobody', async (t) => {
  const before = server.received.length;
  const missing = await secovia('site', 'create', 'sofia-1');
  t.match(missing, {
    code: 2,
    err: /^secovia: required option '--partner <partner>' not specified\.\nSee: secovia site create --help\n$/,
  });
  const country = await secovia('site', 'create', 'sofia-1', '--partner', 'a', '--country', 'Bulgaria');
  t.match(country, { code: 2, err: /two letters of ISO 3166-1, for example BG\.$/m });
  t.match(await secovia('site', 'cordon'), {
    code: 2,
    err: /^secovia: missing required argument 'site'\.$/m,
  });
  t.equal(server.received.length, before);
});

t.test('list: a table, JSON with all pages, names', async (t) => {
  server.on('SiteService', 'ListSites', ({ pageToken }) =>
    pageToken === '' ? { sites: [sofia], nextPageToken: 'two' } : { sites: [tirana], nextPageToken: '' },
  );
  t.equal(
    (await secovia('site', 'list')).out,
    [
      'NAME     COUNTRY  PARTNER  JURISDICTIONS  HOSTS  AGE  TITLE  NOTE',
      'sofia-1  BG       acme     EU,EEA             3   5d  София',
      'tirana   AL       beta                        0  30s         cordoned',
      '',
    ].join('\n'),
  );
  t.same(
    server.sent('SiteService', 'ListSites').map(({ pageToken }) => pageToken),
    ['', 'two'],
  );
  t.match(JSON.parse((await secovia('site', 'list', '-o', 'json')).out), {
    sites: [
      {
        name: 'sites/sofia-1',
        title: 'София',
        hostCount: 3,
        createTime: '2026-11-18T07:00:00Z',
        cordoned: false,
      },
      { name: 'sites/tirana', cordoned: true, jurisdictions: [] },
    ],
  });
  t.equal((await secovia('site', 'list', '-o', 'name')).out, 'sites/sofia-1\nsites/tirana\n');
});

t.test('an empty list is an empty result with a word beside it', async (t) => {
  server.on('SiteService', 'ListSites', () => ({ sites: [] }));
  t.match(await secovia('site', 'list'), { code: 0, out: '', err: /there is no site yet/ });
  t.match(await secovia('site', 'list', '-o', 'name'), { out: '', err: '' });
  t.same(JSON.parse((await secovia('site', 'list', '-o', 'json')).out), { sites: [] });
});

t.test('show: a sheet, and the answer as JSON', async (t) => {
  server.on('SiteService', 'GetSite', () => ({ site: { ...sofia, cordoned: true } }));
  const { out } = await secovia('site', 'show', 'sofia-1');
  t.match(out, /^Name {13}sofia-1$/m);
  t.match(out, /^Jurisdictions {4}EU, EEA$/m);
  t.match(out, /^vCPU overcommit {2}100%$/m);
  t.match(out, /^Cordoned {9}yes: nothing new is placed here$/m);
  t.match(out, /^Created {10}2026-11-18T07:00:00Z \(5d ago\)$/m);
  t.notMatch(out, /Updated|Failover room/, 'what is unset is left out');
  t.same(
    server.sent('SiteService', 'GetSite').map(({ name }) => name),
    ['sites/sofia-1'],
  );
  t.match(JSON.parse((await secovia('site', 'show', 'sofia-1', '-o', 'json')).out), {
    site: { name: 'sites/sofia-1', etag: '"1"' },
  });
});

t.test('overcommit and failover room are said at creation, changed, and shown', async (t) => {
  server.on('SiteService', 'CreateSite', ({ site }) => ({ site: { ...site, name: 'sites/tirana' } }));
  server.on('SiteService', 'UpdateSite', ({ site }) => ({ site: { ...site } }));
  server.on('SiteService', 'GetSite', () => ({
    site: { ...tirana, vcpuOvercommitPercent: 250, keepFailoverRoom: true, priceTier: 4 },
  }));
  const before = server.sent('SiteService', 'UpdateSite').length;
  const create = ['site', 'create', 'tirana', '--partner', 'beta', '--country', 'AL'];
  await secovia(...create, '--vcpu-overcommit', '250', '--keep-failover-room', '--price-tier', '4');
  await secovia(...create);
  t.match(server.sent('SiteService', 'CreateSite').slice(-2), [
    { site: { vcpuOvercommitPercent: 250, keepFailoverRoom: true, priceTier: 4 } },
    { site: { vcpuOvercommitPercent: 0, keepFailoverRoom: false, priceTier: 0 } },
  ]);
  await secovia('site', 'update', 'tirana', '--vcpu-overcommit', '400%');
  await secovia('site', 'update', 'tirana', '--keep-failover-room');
  await secovia('site', 'update', 'tirana', '--no-keep-failover-room');
  await secovia('site', 'update', 'tirana', '--price-tier', '0');
  t.match(server.sent('SiteService', 'UpdateSite').slice(before), [
    { updateMask: { paths: ['vcpu_overcommit_percent'] }, site: { vcpuOvercommitPercent: 400 } },
    { updateMask: { paths: ['keep_failover_room'] }, site: { keepFailoverRoom: true } },
    { updateMask: { paths: ['keep_failover_room'] }, site: { keepFailoverRoom: false } },
    { updateMask: { paths: ['price_tier'] }, site: { priceTier: 0 } },
  ]);
  t.match(await secovia('site', 'update', 'tirana', '--price-tier', '-1'), { code: 2, err: /from 0 to 99/ });
  t.match(await secovia('site', 'update', 'tirana', '--vcpu-overcommit', '4'), {
    code: 2,
    err: /--vcpu-overcommit <percent>.*Write 10 to 3200 percent, for example 400%/,
  });
  const { out } = await secovia('site', 'show', 'tirana');
  t.match(out, /^vCPU overcommit +250%$/m);
  t.match(out, /^Price tier +4$/m);
  t.match(out, /^Failover room +kept: as much as its largest host has$/m);
});

t.test('update masks what was said, and needs something to be said', async (t) => {
  server.on('SiteService', 'UpdateSite', ({ site }) => ({ site: { name: site.name ?? '' } }));
  t.match(await secovia('site', 'update', 'sofia-1', '--title', ''), {
    code: 0,
    out: 'updated site sofia-1\n',
  });
  await secovia('site', 'update', 'sofia-1', '--jurisdiction', 'EU', '--etag', '"1"');
  await secovia('site', 'update', 'sofia-1', '--no-jurisdiction');
  t.match(server.sent('SiteService', 'UpdateSite').slice(-3), [
    { updateMask: { paths: ['title'] }, site: { name: 'sites/sofia-1', title: '' } },
    { updateMask: { paths: ['jurisdictions'] }, site: { jurisdictions: ['EU'], etag: '"1"' } },
    { updateMask: { paths: ['jurisdictions'] }, site: { jurisdictions: [] } },
  ]);
  t.match(await secovia('site', 'update', 'sofia-1'), { code: 2, err: /nothing to change: say --title/ });
});

t.test('what follows a --no- form begins anew', async (t) => {
  server.on('SiteService', 'UpdateSite', ({ site }) => ({ site: { ...site } }));
  const words = ['--no-jurisdiction', '--jurisdiction', 'EU', '--jurisdiction', 'EEA'];
  t.match(await secovia('site', 'update', 'sofia-1', ...words), { code: 0 });
  t.same(server.sent('SiteService', 'UpdateSite').at(-1)?.site.jurisdictions, ['EU', 'EEA']);
});

t.test('cordon and uncordon take several sites', async (t) => {
  const answer = ({ name }: { name: string }) => ({ site: { name } });
  server.on('SiteService', 'CordonSite', answer).on('SiteService', 'UncordonSite', answer);
  const cordoned = await secovia('site', 'cordon', 'sofia-1', 'tirana');
  t.match(cordoned, { code: 0, out: 'cordoned site sofia-1\ncordoned site tirana\n' });
  t.match(await secovia('site', 'uncordon', 'sofia-1', '-o', 'name'), { out: 'sites/sofia-1\n' });
  const ids = server.sent('SiteService', 'CordonSite').map(({ requestId }) => requestId);
  t.equal(new Set(ids).size, 2, 'each with a request id of its own');
});

t.test('delete tells, and a refusal is passed on', async (t) => {
  server.on('SiteService', 'DeleteSite', ({ name }) => {
    if (name === 'sites/tirana') return {};
    throw new Refused(status.FAILED_PRECONDITION, 'site "sofia-1" still has 3 hosts; retire them first', {
      errorInfo: { reason: 'SITE_IN_USE', metadata: {} },
    });
  });
  t.match(await secovia('site', 'delete', 'tirana'), { code: 0, out: 'deleted site tirana\n' });
  t.same(JSON.parse((await secovia('site', 'delete', 'tirana', '-o', 'json')).out), {});
  t.match(await secovia('site', 'delete', 'sofia-1'), {
    code: 4,
    out: '',
    err: 'secovia: site "sofia-1" still has 3 hosts; retire them first (FAILED_PRECONDITION, SITE_IN_USE).\n',
  });
});
