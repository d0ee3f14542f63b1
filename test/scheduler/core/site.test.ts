import { test } from 'tap';
import { smallWorld, World } from './world.js';

const etag = '';

test('a site is created with what was asked, uncordoned and at revision 1', async (t) => {
  const world = new World();
  const site = world.run({
    type: 'site.create',
    id: 'split',
    title: 'Split',
    partner: 'p',
    country: 'HR',
    jurisdictions: ['EU', 'EEA'],
  });
  t.same(site, {
    id: 'split',
    title: 'Split',
    partner: 'p',
    country: 'HR',
    jurisdictions: ['EU', 'EEA'],
    cordoned: false,
    vcpuOvercommitPercent: 100,
    keepFailoverRoom: false,
    priceTier: 0,
    revision: 1,
    createdMs: world.nowMs,
    updatedMs: world.nowMs,
  });
  t.equal(world.state.sites.get('split'), site);
});

test('a site may be created with overcommit and failover room', async (t) => {
  const world = new World();
  const offer = { vcpuOvercommitPercent: 250, keepFailoverRoom: true };
  const site = { id: 'split', title: '', partner: 'p', country: 'HR', jurisdictions: [] };
  t.match(world.run({ type: 'site.create', ...site, ...offer }), offer);
  t.match(world.host('a', 'split').capacity, { vcpus: 64 }, 'what the machine has stays what it is');
  t.equal(world.state.hostTable.freeVcpus[0], 160);
  t.ok(world.state.sitesKeepingRoom.has('split'));
});

test('a site whose price was never said is one of tier 0, and keeps a tier that an update does not name', async (t) => {
  const world = smallWorld('a', 'b');
  world.site('dear');
  world.host('c', 'dear', { memoryMib: 2048 });
  // As an older version has stored it.
  delete world.state.sites.get('zagreb')?.priceTier;
  const placement = { sites: [], countries: [], excludedHosts: [], preferCheap: true };
  world.run({ type: 'site.update', id: 'dear', priceTier: 1, etag });
  t.match(world.run({ type: 'site.update', id: 'dear', title: 'Dear', etag }), { priceTier: 1 });
  t.equal(world.vm('plain').host, 'c');
  t.equal(world.vm('thrifty', { placement }).host, 'a');
});

test('a site id is used once', async (t) => {
  const world = smallWorld();
  const refusal = world.refused({
    type: 'site.create',
    id: 'zagreb',
    title: '',
    partner: 'p',
    country: 'HR',
    jurisdictions: [],
  });
  t.match(refusal, { kind: 'already_exists', reason: 'SITE_EXISTS', resource: { name: 'zagreb' } });
});

test('an update changes what it names, raises the revision and the time', async (t) => {
  const world = smallWorld();
  world.nowMs += 10;
  const site = world.run({ type: 'site.update', id: 'zagreb', title: 'Zagreb', etag: '"1"' });
  t.match(site, { title: 'Zagreb', jurisdictions: ['EU'], revision: 2, updatedMs: world.nowMs });
  world.run({ type: 'site.update', id: 'zagreb', jurisdictions: [], etag });
  t.same(site.jurisdictions, []);
  t.equal(site.title, 'Zagreb');
});

test('changes to a site that is not there are refused', async (t) => {
  const world = smallWorld();
  const commands = [
    { type: 'site.update', id: 'x', title: '', etag },
    { type: 'site.cordon', id: 'x', cordoned: true },
    { type: 'site.delete', id: 'x', etag },
  ] as const;
  for (const command of commands) {
    t.match(world.refused(command), { kind: 'not_found', reason: 'SITE_NOT_FOUND' }, command.type);
  }
});

test('an etag that is not the current one is refused, with the current one', async (t) => {
  const world = smallWorld();
  world.run({ type: 'site.cordon', id: 'zagreb', cordoned: true });
  const update = world.refused({ type: 'site.update', id: 'zagreb', title: '', etag: '"1"' });
  t.match(update, { kind: 'aborted', reason: 'ETAG_MISMATCH', metadata: { current: '"2"' } });
  t.match(world.refused({ type: 'site.delete', id: 'zagreb', etag: '"1"' }), { reason: 'ETAG_MISMATCH' });
});

test('cordoning twice changes nothing the second time', async (t) => {
  const world = smallWorld();
  world.run({ type: 'site.cordon', id: 'zagreb', cordoned: true });
  const { sequence } = world.state;
  t.equal(world.run({ type: 'site.cordon', id: 'zagreb', cordoned: true }).cordoned, true);
  t.equal(world.state.sequence, sequence);
  t.equal(world.run({ type: 'site.cordon', id: 'zagreb', cordoned: false }).cordoned, false);
  t.equal(world.state.sequence, sequence + 1);
});

test('only a site without hosts and pools is deleted; retired hosts do not count', async (t) => {
  const world = smallWorld('a');
  const inUse = world.refused({ type: 'site.delete', id: 'zagreb', etag });
  t.match(inUse, { kind: 'precondition', reason: 'SITE_IN_USE', metadata: { hosts: '1', pools: '0' } });
  world.run({ type: 'pool.create', id: 'nfs', site: 'zagreb', path: '/p', hosts: ['a'], capacityMib: 1 });
  t.match(world.refused({ type: 'site.delete', id: 'zagreb', etag }), { metadata: { pools: '1' } });
  world.run({ type: 'pool.delete', id: 'nfs', etag });
  world.run({ type: 'host.retire', id: 'a', etag });
  t.equal(world.run({ type: 'site.delete', id: 'zagreb', etag }), null);
  t.notOk(world.state.sites.has('zagreb'));
});

test('a site in recovery is not deleted, or its recovery could never be ended', async (t) => {
  const world = smallWorld();
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  const refusal = world.refused({ type: 'site.delete', id: 'zagreb', etag });
  t.match(refusal, { kind: 'precondition', reason: 'SITE_RECOVERING' });
  world.run({ type: 'recovery.end', site: 'zagreb' });
  t.equal(world.run({ type: 'site.delete', id: 'zagreb', etag }), null);
});
