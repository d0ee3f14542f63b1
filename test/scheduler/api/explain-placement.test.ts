import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { ExplainPlacementRequest } from '../../../proto/gen/secovia/v1/ExplainPlacementRequest.js';
import type { Vm } from '../../../proto/gen/secovia/v1/Vm.js';
import type { VmPlacement } from '../../../proto/gen/secovia/v1/VmPlacement.js';
import { adm, Federation, newVm, tinyImage } from './federation.js';
import { asked, refusedBy, sized } from './questions.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api } = federation;

const explain = (vm: Vm, parent = adm) => api.call('ExplainPlacement', { parent, vm });

test('without hosts nothing fits, and the answer says so', async (t) => {
  t.match(await explain(asked()), {
    chosen: null,
    runnerUp: null,
    hosts: 0,
    eligible: 0,
    exclusions: [],
    nearestMisses: [],
    suggestion: null,
    refusal:
      'no host can take a VM of this shape (1 vCPU, 1024 MiB memory, 200 MiB disk): there are no hosts',
  });
});

test('a VM is told its host, the next best, and what it would leave there, and a creation agrees', async (t) => {
  await federation.host('a', sized(4096, 8));
  await federation.host('b', sized(2048, 8));
  const answer = await explain(asked({ vcpus: 2 }));
  t.match(answer, {
    chosen: {
      host: 'hosts/b',
      softViolations: 0,
      left: { vcpus: 6, memoryMib: 1024, diskMib: 999_800, vms: 99 },
    },
    runnerUp: { host: 'hosts/a', left: { vcpus: 6, memoryMib: 3072 } },
    hosts: 2,
    eligible: 2,
    suggestion: null,
    refusal: '',
  });
  t.equal((await federation.vm('agrees', asked({ vcpus: 2 }))).host, answer.chosen?.host);
  t.match(await explain(asked({ memoryMib: 4096 })), {
    chosen: { host: 'hosts/a' },
    runnerUp: null,
    eligible: 1,
  });
});

test('wishes that a host does not meet are counted against it', async (t) => {
  await api.call('UpdateHost', { host: { name: 'hosts/a', traits: ['ssd'] } });
  const { chosen, runnerUp } = await explain(asked({}, { preferredTraits: ['ssd', 'gpu'] }));
  t.match(chosen, { host: 'hosts/a', softViolations: 1 });
  t.match(runnerUp, { host: 'hosts/b', softViolations: 2 });
});

test('of a VM that prefers sites it is told how the hosts stand in that', async (t) => {
  await api.call('UpdateSite', { site: { name: 'sites/zagreb', priceTier: 3 } });
  const preferring = { preferCheap: true, preferredSites: ['sites/zagreb'], preferredSitesInOrder: true };
  t.match((await explain(asked({}, preferring))).chosen, { priceTier: 3, sitePreference: 0 });
  t.match((await explain(asked())).chosen, { priceTier: 0, sitePreference: 0 }, 'another VM does not care');
  const { vm } = await api.call('CreateVm', {
    ...newVm('preferring', { placement: preferring }),
    validateOnly: true,
  });
  t.match(vm?.placement, preferring);
  t.match(
    await api.fails('ExplainPlacement', { parent: adm, vm: asked({}, { preferredSites: ['sites/none'] }) }),
    {
      code: status.NOT_FOUND,
    },
  );
  t.match(
    await api.fails('ExplainPlacement', { parent: adm, vm: asked({}, { preferredSitesInOrder: true }) }),
    {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: 'vm.placement.preferred_sites_in_order' }] },
    },
  );
});

test('exclusions come with their words, those of most hosts first, and count hosts that only they exclude', async (t) => {
  await federation.site('ljubljana', 'SI');
  for (const host of ['c', 'd', 'e']) await federation.host(host, { site: 'ljubljana', ...sized(2048) });
  await api.call('CordonHost', { name: 'hosts/c' });
  await api.call('CordonHost', { name: 'hosts/d' });
  await federation.join('f');
  const { exclusions, hosts, eligible } = await explain(asked({ memoryMib: 4096 }, { countries: ['HR'] }));
  const extras = {};
  t.same(exclusions, [
    { code: 'CORDONED', description: '2 are cordoned', hosts: 2, sole: 0, extras },
    { code: 'HOST_NOT_CONNECTED', description: '1 is not connected', hosts: 1, sole: 0, extras },
    { code: 'LACKS_MEMORY', description: '1 lacks memory', hosts: 1, sole: 1, extras },
    {
      code: 'NOT_ALLOWED_THERE',
      description: '1 is outside the sites, countries or jurisdictions you allow',
      hosts: 1,
      sole: 0,
      extras,
    },
  ]);
  t.equal(eligible + exclusions.reduce((sum, exclusion) => sum + exclusion.hosts, 0), hosts);
});

test('it is told how near the nearest miss is, and the smallest change that helps, in the words of CreateVm', async (t) => {
  const vm = asked({ memoryMib: 5000 });
  const answer = await explain({ ...vm, name: `${adm}/vms/web` });
  t.same(answer.nearestMisses, [{ code: 'LACKS_MEMORY', hosts: 3, missing: 904, extra: '' }]);
  t.same(answer.suggestion, {
    field: 'spec.memory_mib',
    value: '4096',
    description: 'with 4096 MiB of memory it would fit',
  });
  const refused = await refusedBy(api, vm);
  t.match(refused, {
    code: status.RESOURCE_EXHAUSTED,
    message: /^no host can take VM "web" .*; with 4096 MiB of memory it would fit$/,
    details: {
      errorInfo: {
        metadata: { suggestion_field: 'spec.memory_mib', suggestion_value: '4096', LACKS_MEMORY: '3' },
      },
    },
  });
  t.equal(answer.refusal, refused.message);
  const unnamed = await explain(vm);
  t.equal(unnamed.refusal, refused.message.replace('VM "web"', 'a VM of this shape'));
  t.equal((await explain(asked({ memoryMib: 4096 }))).refusal, '', 'and with that it does fit');
});

test('a wish is suggested to be given up when no smaller size would do', async (t) => {
  const vm = asked({}, { requiredTraits: ['gpu'] });
  const answer = await explain({ ...vm, name: `${adm}/vms/web` });
  t.match(answer.suggestion, { field: 'placement.required_traits', value: '' });
  t.match(answer.refusal, /; it would fit if hosts without the required traits were allowed$/);
  t.equal(answer.refusal, (await refusedBy(api, vm)).message);
});

test('while a host is only not connected, CreateVm says to wait, and the sentences agree', async (t) => {
  const agent = await federation.host('gone', sized(50_000));
  agent.close();
  await federation.hostBecomes('gone', 'HOST_STATE_SUSPECT');
  const vm = asked({ memoryMib: 5000 });
  const refused = await refusedBy(api, vm);
  t.match(refused, { code: status.UNAVAILABLE, details: { retryDelayMs: 2000 } });
  t.notOk('suggestion_field' in (refused.details.errorInfo?.metadata ?? {}));
  const answer = await explain({ ...vm, name: `${adm}/vms/web` });
  t.equal(answer.refusal, refused.message);
  t.ok(answer.suggestion, 'what would fit now is told all the same');
  await api.call('RetireHost', { name: 'hosts/gone' });
});

test('groups and dedication count for the administration that asks', async (t) => {
  await api.call('CreateAdministration', { administrationId: 'other', administration: { country: 'HR' } });
  await federation.site('shared');
  await federation.host('shared', { site: 'shared' });
  const placement: VmPlacement = {
    sites: ['sites/shared'],
    groups: [{ group: 'pair', policy: 'GROUP_POLICY_ANTI_AFFINITY' }],
  };
  await federation.vm('first', asked({}, placement));
  t.match(await explain(asked({}, placement)), {
    chosen: null,
    exclusions: [{ code: 'NOT_ALLOWED_THERE' }, {}, {}, { code: 'TOO_CLOSE_TO_GROUP', sole: 1 }],
    suggestion: { field: 'placement.sites' },
  });
  const theirs = await explain(asked({}, placement), 'administrations/other');
  t.equal(theirs.chosen?.host, 'hosts/shared', 'a group of the same name elsewhere is another');
  await api.call('UpdateHost', { host: { name: 'hosts/shared', dedicatedTo: adm } });
  t.equal((await explain(asked({}, placement), 'administrations/other')).chosen, null);
});

test('what is unknown, or does not go together, is refused as by CreateVm', async (t) => {
  await api.call('CreateImage', { imageId: 'large', image: { ...tinyImage, virtualSizeMib: 5000 } });
  const groups = [{ group: 'pair', policy: 'GROUP_POLICY_AFFINITY' as const }];
  for (const [vm, code] of [
    [asked({ image: 'images/none' }), status.NOT_FOUND],
    [asked({ storagePool: 'storagePools/none' }), status.NOT_FOUND],
    [asked({}, { sites: ['sites/none'] }), status.NOT_FOUND],
    [asked({ image: 'images/large' }), status.INVALID_ARGUMENT],
    [asked({}, { groups }), status.FAILED_PRECONDITION],
  ] as const) {
    const refused = await refusedBy(api, vm);
    t.equal(refused.code, code);
    t.same(await api.fails('ExplainPlacement', { parent: adm, vm }), refused);
    t.same(await api.fails('EstimateCapacity', { parent: adm, vm }), refused);
  }
  for (const method of ['ExplainPlacement', 'EstimateCapacity'] as const) {
    t.match(await api.fails(method, { parent: 'administrations/none', vm: asked() }), {
      code: status.NOT_FOUND,
      reason: 'ADMINISTRATION_NOT_FOUND',
    });
  }
});

test('every field that is wrong is named, and all at once', async (t) => {
  const cases: [ExplainPlacementRequest, string, RegExp][] = [
    [{ parent: 'adm', vm: asked() }, 'parent', /must look like administrations\/ID/],
    [{ parent: adm }, 'vm', /is missing/],
    [{ parent: adm, vm: {} }, 'vm.spec', /is missing/],
    [{ parent: adm, vm: asked({ vcpus: 0 }) }, 'vm.spec.vcpus', /from 1 to 512/],
    [{ parent: adm, vm: asked({ memoryMib: 63 }) }, 'vm.spec.memory_mib', /from 64 to/],
    [{ parent: adm, vm: asked({ image: 'tiny' }) }, 'vm.spec.image', /must look like images\/ID/],
    [
      { parent: adm, vm: asked({}, { requiredTraits: ['A'] }) },
      'vm.placement.required_traits',
      /must be 1 to 63/,
    ],
  ];
  for (const [request, field, description] of cases) {
    const invalid = {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field, description }] },
    };
    t.match(await api.fails('ExplainPlacement', request), invalid, field);
    t.match(await api.fails('EstimateCapacity', request), invalid, field);
  }
  for (const name of ['web', 'vms/x', `${adm}/vms/`, `${adm}/vms/A`, 'administrations/other/vms/web']) {
    t.match(await api.fails('ExplainPlacement', { parent: adm, vm: { ...asked(), name } }), {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: 'vm.name' }] },
    });
  }
  const wrong = { parent: 'x', vm: { name: 'y', spec: { vcpus: -1 } } };
  const { details } = await api.fails('ExplainPlacement', wrong);
  t.ok((details.fieldViolations?.length ?? 0) >= 5);
});
