import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { GroupRule } from '../../../proto/gen/secovia/v1/GroupRule.js';
import type { VmPlacement } from '../../../proto/gen/secovia/v1/VmPlacement.js';
import { placementBytes } from '../../../scheduler/render/vm-placement.js';
import { inventory } from './agent.js';
import { messageCodec } from '../../../proto/index.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
await federation.host('fast', { rack: 'r1', inventory: { ...inventory(), cpuFeatures: ['avx2', 'sse4.1'] } });
await federation.host('slow', { rack: 'r2' });
await federation.host('slower', { rack: 'r2' });
await api.call('UpdateHost', { host: { name: 'hosts/fast', traits: ['ssd'] } });
await api.call('UpdateSite', { site: { name: 'sites/zagreb', jurisdictions: ['EU', 'EEA'] } });

let drawn = 0;
async function placed(placement: VmPlacement): Promise<string> {
  drawn += 1;
  return (await federation.vm(`vm-${drawn}`, { placement })).host;
}

const group = (change: GroupRule = {}): GroupRule => ({
  group: 'web',
  policy: 'GROUP_POLICY_SPREAD',
  scope: 'GROUP_SCOPE_RACK',
  soft: true,
  maxSkew: 3,
  ...change,
});

test('everything that a VM asks of its place is shown again, also after a restart', async (t) => {
  const placement = {
    sites: ['sites/zagreb'],
    countries: ['HR'],
    excludedHosts: ['hosts/slower'],
    jurisdictions: ['EU', 'GDPR-adequate'],
    requiredTraits: ['ssd', 'cpu:avx2'],
    forbiddenTraits: ['cpu:AMX_tile', 'old/er.1'],
    preferredTraits: ['cpu:sse4.1'],
    preferredSites: ['sites/zagreb'],
    preferredSitesInOrder: true,
    preferCheap: true,
    groups: [
      group(),
      group({ group: 'db', policy: 'GROUP_POLICY_ANTI_AFFINITY', scope: 'GROUP_SCOPE_HOST', maxSkew: 0 }),
      group({
        group: 'near',
        policy: 'GROUP_POLICY_AFFINITY',
        scope: 'GROUP_SCOPE_SITE',
        maxSkew: 0,
        soft: false,
      }),
    ],
  };
  const vm = await federation.vm('full', { placement });
  t.equal(vm.host, 'hosts/fast');
  t.same(vm.placement, placement);
  await scheduler.restart();
  t.same((await federation.get(vm.name)).placement, placement);
  for (const host of ['slow', 'slower']) await federation.reconnect(host);
  await federation.reconnect('fast', { inventory: { ...inventory(), cpuFeatures: ['avx2', 'sse4.1'] } });
});

test('what is asked for twice is kept once, and what is not asked for is not kept', async (t) => {
  const twice = (value: string) => [value, value];
  const { placement } = await federation.vm('twice', {
    placement: {
      jurisdictions: twice('EU'),
      requiredTraits: twice('ssd'),
      forbiddenTraits: twice('old'),
      preferredTraits: twice('cpu:avx2'),
    },
  });
  t.match(placement, {
    jurisdictions: ['EU'],
    requiredTraits: ['ssd'],
    forbiddenTraits: ['old'],
    preferredTraits: ['cpu:avx2'],
    groups: [],
  });
  t.equal((await federation.vm('nothing', { placement: { jurisdictions: [], groups: [] } })).placement, null);
});

test('a group has defaults: any VM counts by host, and a spread is even to one', async (t) => {
  const { placement } = await federation.vm('defaults', {
    placement: {
      groups: [
        { group: 'apart', policy: 'GROUP_POLICY_ANTI_AFFINITY' },
        { group: 'even', policy: 'GROUP_POLICY_SPREAD', scope: 'GROUP_SCOPE_SITE' },
      ],
    },
  });
  t.match(placement?.groups, [
    { policy: 'GROUP_POLICY_ANTI_AFFINITY', scope: 'GROUP_SCOPE_HOST', soft: false, maxSkew: 0 },
    { policy: 'GROUP_POLICY_SPREAD', scope: 'GROUP_SCOPE_SITE', soft: false, maxSkew: 1 },
  ]);
});

test('placement obeys traits, jurisdictions and groups', async (t) => {
  t.equal(await placed({ requiredTraits: ['ssd'] }), 'hosts/fast');
  t.equal(await placed({ requiredTraits: ['cpu:avx2'] }), 'hosts/fast');
  t.not(await placed({ forbiddenTraits: ['ssd'] }), 'hosts/fast');
  t.not(await placed({ forbiddenTraits: ['cpu:avx2'] }), 'hosts/fast');
  t.equal(await placed({ preferredTraits: ['ssd', 'gpu'] }), 'hosts/fast');
  t.ok(await placed({ jurisdictions: ['EEA', 'UK'] }), 'one of them is enough');
  t.match(await api.fails('CreateVm', newVm('x', { placement: { jurisdictions: ['UK'] } })), {
    code: status.RESOURCE_EXHAUSTED,
    details: {
      errorInfo: { metadata: { suggestion_field: 'placement.jurisdictions', suggestion_value: '' } },
    },
  });
  const groups: GroupRule[] = [
    { group: 'racks', policy: 'GROUP_POLICY_ANTI_AFFINITY', scope: 'GROUP_SCOPE_RACK' },
  ];
  const hosts = [await placed({ groups }), await placed({ groups })];
  t.ok(hosts.includes('hosts/fast'));
  t.match(await api.fails('CreateVm', newVm('x', { placement: { groups } })), {
    details: { errorInfo: { metadata: { TOO_CLOSE_TO_GROUP: '3' } } },
  });
});

test('a VM that says of its group what others of it do not is refused, also within a batch', async (t) => {
  const of = (change: GroupRule) => ({ placement: { groups: [group({ group: 'agreed', ...change })] } });
  await federation.vm('agreed', of({}));
  await federation.vm('agreed-too', of({}));
  const changes: GroupRule[] = [{ soft: false }, { maxSkew: 2 }, { scope: 'GROUP_SCOPE_SITE' }];
  for (const change of changes) {
    t.match(await api.fails('CreateVm', newVm('differs', of(change))), {
      code: status.FAILED_PRECONDITION,
      reason: 'GROUP_DIFFERS',
      details: { errorInfo: { metadata: { policy: 'spread', scope: 'rack', soft: 'true', maxSkew: '3' } } },
    });
  }
  const fresh = (vmId: string, soft: boolean) => ({
    ...newVm(vmId, { placement: { groups: [group({ group: 'fresh', soft })] } }),
    requestId: '',
  });
  const requests = [fresh('one', true), fresh('other', false)];
  t.match(await api.fails('BatchCreateVms', { parent: adm, requests }), { reason: 'GROUP_DIFFERS' });
});

test('every wish that cannot be is refused, with its field and what to do', async (t) => {
  const form = /must be 1 to 63 of a-z, 0-9, .* or cpu: and a feature, as in cpu:avx2$/;
  /** A number that a later version may give a meaning. */
  const unknown = 99 as never;
  const many = (length: number) => Array.from({ length }, (_, index) => `t${index}`);
  const cases: [VmPlacement, string, RegExp][] = [
    ...['', 'E U', '-EU', 'x'.repeat(33)].map((jurisdiction): [VmPlacement, string, RegExp] => [
      { jurisdictions: [jurisdiction] },
      'jurisdictions',
      /must be 1 to 32 letters, digits and hyphens/,
    ]),
    [{ jurisdictions: many(33) }, 'jurisdictions', /has 33 entries, and at most 32/],
    ...['', 'SSD', 'cpu:', 'cpu:a b', 'cpu:a/b', 'CPU:avx2', 'x:y', `cpu:${'x'.repeat(64)}`, 'a,b'].flatMap(
      (trait): [VmPlacement, string, RegExp][] => [
        [{ requiredTraits: [trait] }, 'required_traits', form],
        [{ forbiddenTraits: [trait] }, 'forbidden_traits', form],
        [{ preferredTraits: [trait] }, 'preferred_traits', form],
      ],
    ),
    [{ requiredTraits: many(65) }, 'required_traits', /has 65 entries, and at most 64/],
    [{ forbiddenTraits: many(65) }, 'forbidden_traits', /has 65 entries, and at most 64/],
    [{ preferredTraits: many(17) }, 'preferred_traits', /has 17 entries, and at most 16/],
    [
      { requiredTraits: ['a', 'cpu:x'], forbiddenTraits: ['b', 'cpu:x'] },
      'forbidden_traits',
      /"cpu:x" is required as well, .* take it out of one of the two/,
    ],
    [{ groups: [group({ group: '' })] }, 'groups[0].group', /must be 1 to 63 lower-case/],
    [{ groups: [group({ group: 'A' })] }, 'groups[0].group', /must be 1 to 63 lower-case/],
    [
      { groups: [group(), group({ group: 'x' }), group({ soft: false })] },
      'groups[2].group',
      /is named twice; say all of a group in one rule/,
    ],
    [
      { groups: [group({ policy: 'GROUP_POLICY_UNSPECIFIED', maxSkew: 0 })] },
      'groups[0].policy',
      /must be one of GROUP_POLICY_AFFINITY, GROUP_POLICY_ANTI_AFFINITY, GROUP_POLICY_SPREAD/,
    ],
    [{ groups: [group({ policy: unknown, maxSkew: 0 })] }, 'groups[0].policy', /must be one of/],
    [{ groups: [group({ scope: unknown })] }, 'groups[0].scope', /must be one of/],
    [
      { groups: [group({ scope: 'GROUP_SCOPE_HOST' })] },
      'groups[0].scope',
      /needs GROUP_SCOPE_RACK or GROUP_SCOPE_SITE/,
    ],
    [{ groups: [group({ scope: 'GROUP_SCOPE_UNSPECIFIED' })] }, 'groups[0].scope', /needs GROUP_SCOPE_RACK/],
    [{ groups: [group({ maxSkew: -1 })] }, 'groups[0].max_skew', /from 0 to 1000/],
    [{ groups: [group({ maxSkew: 1001 })] }, 'groups[0].max_skew', /from 0 to 1000/],
    [
      { groups: [group({ policy: 'GROUP_POLICY_AFFINITY', maxSkew: 1 })] },
      'groups[0].max_skew',
      /is of GROUP_POLICY_SPREAD alone; leave it out/,
    ],
    [
      { groups: Array.from({ length: 9 }, (_, index) => group({ group: `g${index}` })) },
      'groups',
      /has 9 entries, and at most 8/,
    ],
  ];
  for (const [placement, field, description] of cases) {
    const { code, details } = await api.fails('CreateVm', newVm('wrong', { placement }));
    t.equal(code, status.INVALID_ARGUMENT);
    t.match(details.fieldViolations, [{ field: `vm.placement.${field}`, description }], field);
    t.equal(details.fieldViolations?.length, 1, 'and nothing else');
  }
  const wrong = { ...newVm('wrong', { placement: { requiredTraits: ['A'] } }), requestId: '' };
  t.match(await api.fails('BatchCreateVms', { parent: adm, requests: [wrong] }), {
    details: { fieldViolations: [{ field: 'requests[0].vm.placement.required_traits' }] },
  });
});

test('a page of a listing counts what placements take', async (t) => {
  const text = (length: number) => 'x'.repeat(length);
  const placement = {
    sites: Array.from({ length: 50 }, () => text(20)),
    countries: ['HR', 'SI'],
    excludedHosts: Array.from({ length: 50 }, () => text(20)),
    requiredTraits: Array.from({ length: 60 }, () => text(60)),
  };
  const { serialize } = messageCodec<VmPlacement, object>('secovia.v1.VmPlacement');
  const { length } = serialize({
    ...placement,
    sites: placement.sites.map((id) => `sites/${id}`),
    excludedHosts: placement.excludedHosts.map((id) => `hosts/${id}`),
  });
  t.ok(placementBytes(placement) >= length, `${placementBytes(placement)} for ${length}`);
  t.equal(placementBytes({ sites: [], countries: [], excludedHosts: [] }), 0);
});
