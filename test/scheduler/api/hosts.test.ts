import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Host } from '../../../proto/gen/secovia/v1/Host.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;
for (const [administrationId, parent] of [
  ['city', ''],
  ['school', 'administrations/city'],
] as const) {
  await api.call('CreateAdministration', { administrationId, administration: { country: 'HR', parent } });
}

const get = async (host: string) => (await api.call('GetHost', { name: `hosts/${host}` })).host;
const update = async (host: Host, ...paths: string[]) =>
  (await api.call('UpdateHost', { host, updateMask: { paths } })).host;

test('an operator gives a host traits, keeps it for an administration, and overcommits its vCPUs', async (t) => {
  await federation.host('a');
  const before = await get('a');
  t.match(before, { traits: [], dedicatedTo: '', vcpuOvercommitPercent: 0, capacity: { vcpus: 64 } });
  const updated = await update({
    name: 'hosts/a',
    traits: ['ssd', 'rack.b/row_2', 'ssd', 'a', '9'],
    dedicatedTo: 'administrations/city',
    vcpuOvercommitPercent: 250,
    etag: before?.etag,
  });
  const expected = {
    traits: ['9', 'a', 'rack.b/row_2', 'ssd'],
    dedicatedTo: 'administrations/city',
    vcpuOvercommitPercent: 250,
    capacity: { vcpus: 160, memoryMib: 65_536 },
  };
  t.match(updated, expected);
  t.not(updated?.etag, before?.etag);
  await scheduler.restart();
  await federation.reconnect('a');
  t.match(await get('a'), expected, 'and a restart forgets none of it');
});

test('without a mask what is set changes, with one what is named, and * means all', async (t) => {
  await federation.host('masked');
  const name = 'hosts/masked';
  const full = { traits: ['ssd'], dedicatedTo: adm, vcpuOvercommitPercent: 200 };
  t.match(await update({ name, ...full }), full);
  t.match(await update({ name, traits: ['gpu'] }), { ...full, traits: ['gpu'] });
  t.match(await update({ name, traits: ['ignored'], rack: 'r9' }, 'dedicatedTo'), {
    traits: ['gpu'],
    dedicatedTo: '',
    vcpuOvercommitPercent: 200,
    rack: '',
  });
  t.match(await update({ name }, 'vcpu_overcommit_percent'), {
    vcpuOvercommitPercent: 0,
    capacity: { vcpus: 64 },
  });
  await update({ name, ...full });
  t.match(await update({ name }, '*'), { traits: [], dedicatedTo: '', vcpuOvercommitPercent: 0 });
});

test('what a host cannot be is refused, with the field and what to do', async (t) => {
  await federation.join('strict');
  const name = 'hosts/strict';
  const cases: [Host | undefined, string, RegExp, string[]?][] = [
    [undefined, 'host', /is missing/],
    [{ name: 'strict' }, 'host.name', /must look like hosts\/ID/],
    ...['', 'SSD', '-ssd', 'ssd-', 'a b', 'cpu:avx2', 'č', 'a,b', 'x'.repeat(64), '__proto__'].map(
      (trait): [Host, string, RegExp] => [
        { name, traits: [trait] },
        'host.traits',
        /must be 1 to 63 lower-case/,
      ],
    ),
    [
      { name, traits: Array.from({ length: 65 }, (_, index) => `t${index}`) },
      'host.traits',
      /has 65 entries, and at most 64/,
    ],
    [{ name, dedicatedTo: 'adm' }, 'host.dedicated_to', /must look like administrations\/ID/],
    ...[-1, 1, 9, 3201, 2 ** 31 - 1].map((percent): [Host, string, RegExp] => [
      { name, vcpuOvercommitPercent: percent },
      'host.vcpu_overcommit_percent',
      /must be a whole number from 10 to 3200, or 0/,
    ]),
    [{ name }, 'update_mask', /"rack" cannot be updated; only traits, dedicated_to, vcpu/, ['rack']],
  ];
  const before = await api.sequence();
  for (const [host, field, description, paths = []] of cases) {
    const failure = await api.fails('UpdateHost', { host, updateMask: { paths } });
    t.match(failure, {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field, description }] },
    });
  }
  t.equal(await api.sequence(), before);
  const all = { name, traits: ['A'], dedicatedTo: 'x', vcpuOvercommitPercent: 1 };
  const { details } = await api.fails('UpdateHost', { host: all });
  t.equal(details.fieldViolations?.length, 3, 'all at once');
});

test('the limits themselves are taken', async (t) => {
  const traits = Array.from({ length: 64 }, (_, index) => `${index + 10}`.padStart(63, 'x'));
  await federation.join('edge');
  for (const vcpuOvercommitPercent of [10, 3200]) {
    t.match(await update({ name: 'hosts/edge', traits, vcpuOvercommitPercent }), {
      traits,
      vcpuOvercommitPercent,
    });
  }
});

test('hosts and administrations that are not there, and an old etag, are refused', async (t) => {
  await federation.join('etagged');
  t.match(await api.fails('UpdateHost', { host: { name: 'hosts/none', traits: ['x'] } }), {
    code: status.NOT_FOUND,
    reason: 'HOST_NOT_FOUND',
  });
  const host = { name: 'hosts/etagged', dedicatedTo: 'administrations/none' };
  t.match(await api.fails('UpdateHost', { host }), {
    code: status.NOT_FOUND,
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
  const etag = (await get('etagged'))?.etag;
  await update({ name: 'hosts/etagged', traits: ['new'], etag });
  t.match(await api.fails('UpdateHost', { host: { name: 'hosts/etagged', traits: ['old'], etag } }), {
    code: status.ABORTED,
    reason: 'ETAG_MISMATCH',
  });
});

test('hosts can be listed by a trait that they have, and by whom they are kept for', async (t) => {
  await federation.join('listed');
  await update({ name: 'hosts/listed', traits: ['shelf/7', 'shelf'], dedicatedTo: 'administrations/school' });
  const listed = async (filter: string) =>
    (await api.call('ListHosts', { filter })).hosts.map(({ name }) => name);
  t.same(await listed('traits:shelf'), ['hosts/listed']);
  t.same(await listed('traits:"shelf/7" AND site = "sites/zagreb"'), ['hosts/listed']);
  t.same(await listed('traits:shel'), [], 'a part of a trait is none');
  t.same(await listed('dedicated_to = "administrations/school"'), ['hosts/listed']);
  t.notOk((await listed('dedicated_to = ""')).includes('hosts/listed'));
  t.match(await api.fails('ListHosts', { filter: 'traits = shelf' }), {
    code: status.INVALID_ARGUMENT,
    details: { fieldViolations: [{ field: 'filter', description: /ask with traits:VALUE/ }] },
  });
});

test('a host that is kept for an administration takes its VMs and those of administrations below it', async (t) => {
  await federation.site('kept');
  await federation.host('kept', { site: 'kept' });
  await update({ name: 'hosts/kept', dedicatedTo: 'administrations/city' });
  const placement = { sites: ['sites/kept'] };
  for (const parent of ['administrations/city', 'administrations/school']) {
    const { vm } = await api.call('CreateVm', { ...newVm('vm', { placement }), parent });
    t.equal(vm?.host, 'hosts/kept');
  }
  t.match(await api.fails('CreateVm', newVm('vm', { placement })), {
    code: status.RESOURCE_EXHAUSTED,
    message: /1 is kept for other administrations/,
    details: { errorInfo: { metadata: { DEDICATED_TO_OTHERS: '1' } } },
  });
  t.match(await api.fails('DeleteAdministration', { name: 'administrations/school' }), {
    reason: 'ADMINISTRATION_IN_USE',
  });
  t.match(await update({ name: 'hosts/kept' }, 'dedicated_to'), { dedicatedTo: '' });
  t.equal((await federation.vm('vm', { placement })).host, 'hosts/kept');
});
