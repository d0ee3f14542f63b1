import { status } from '@grpc/grpc-js';
import t from 'tap';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const wanted = ['-A', 'city', '--vcpus', '2', '--memory', '4GiB', '--disk', '20GiB', '--image', 'tiny'];

const left = (vcpus: number, memoryMib: number) => ({
  vcpus,
  memoryMib,
  diskMib: 61_440,
  vms: 9,
  extras: {},
});
const found = {
  chosen: { host: 'hosts/sofia-1-a', left: left(3, 9728) },
  runnerUp: { host: 'hosts/sofia-1-b', softViolations: 1, left: left(1, 2048) },
  hosts: 6,
  eligible: 2,
  exclusions: [
    { code: 'LACKS_MEMORY', description: '3 lack memory', hosts: 3, sole: 2 },
    { code: 'CORDONED', description: '1 is cordoned', hosts: 1, sole: 0 },
  ],
  nearestMisses: [{ code: 'LACKS_MEMORY', hosts: 2, missing: 2048 }],
};
const refused = {
  hosts: 4,
  eligible: 0,
  exclusions: [{ code: 'LACKS_MEMORY', description: '4 lack memory', hosts: 4, sole: 4 }],
  nearestMisses: [
    { code: 'LACKS_MEMORY', hosts: 3, missing: 2048 },
    { code: 'LACKS_VCPUS', hosts: 1, missing: 2 },
    { code: 'LACKS_PATIENCE', hosts: 2, missing: 7 },
  ],
  suggestion: {
    field: 'spec.memory_mib',
    value: '2048',
    description: 'with 2048 MiB of memory it would fit',
  },
  refusal: 'no host can take VM (2 vCPU, 4096 MiB memory, 20480 MiB disk): of 4 hosts 4 lack memory\x1b[2J',
};

t.test('explain shows the host, the next best, and what excludes the others', async (t) => {
  server.on('PlacementService', 'ExplainPlacement', () => found);
  t.match(await secovia('vm', 'explain', ...wanted), {
    code: 0,
    err: '',
    out: [
      'Would go to  sofia-1-a',
      '             3 vCPUs, 9.5 GiB memory, 60 GiB disk left',
      'Next best    sofia-1-b',
      '             1 vCPUs, 2 GiB memory, 60 GiB disk left',
      '             1 of the soft groups and preferred traits not met',
      'Can take it  2 of 6 hosts',
      '',
      'CODE          HOSTS  SOLE  DESCRIPTION',
      'LACKS_MEMORY      3     2  3 lack memory',
      'CORDONED          1     0  1 is cordoned',
      '',
      '2 hosts lack only memory; the nearest lacks 2 GiB',
      '',
    ].join('\n'),
  });
  t.match(JSON.parse((await secovia('vm', 'explain', ...wanted, '-o', 'json')).out), {
    chosen: { host: 'hosts/sofia-1-a', softViolations: 0, left: { memoryMib: 9728 } },
    runnerUp: { softViolations: 1 },
    exclusions: [{ code: 'LACKS_MEMORY', hosts: 3, sole: 2 }, { code: 'CORDONED' }],
    refusal: '',
  });
  t.match(await secovia('vm', 'explain', ...wanted, '-o', 'name'), { code: 0, out: 'hosts/sofia-1-a\n' });
});

t.test('explain asks with the words of vm create', async (t) => {
  server.on('PlacementService', 'ExplainPlacement', () => found);
  const place = ['--site', 'sofia-1', '--pool', 'nfs-1', '--group', 'web:apart', '--prefer-trait', 'quiet'];
  await secovia('vm', 'explain', ...wanted, ...place);
  t.match(server.sent('PlacementService', 'ExplainPlacement').at(-1), {
    parent: 'administrations/city',
    vm: {
      spec: {
        vcpus: 2,
        memoryMib: 4096,
        diskMib: 20_480,
        image: 'images/tiny',
        storagePool: 'storagePools/nfs-1',
      },
      placement: { sites: ['sites/sofia-1'], preferredTraits: ['quiet'], groups: [{ group: 'web' }] },
    },
  });
  t.equal(server.sent('PlacementService', 'ExplainPlacement').at(-1)?.vm.name, '');
  await secovia('vm', 'explain', 'town/web', ...wanted.slice(2));
  t.match(server.sent('PlacementService', 'ExplainPlacement').at(-1), {
    parent: 'administrations/town',
    vm: { name: 'administrations/town/vms/web' },
  });
  const usual = { server: server.address, env: { SECOVIA_ADMINISTRATION: 'town' } };
  await cli(['vm', 'explain', ...wanted.slice(2)], usual);
  t.match(server.sent('PlacementService', 'ExplainPlacement').at(-1), { parent: 'administrations/town' });
  t.match(await secovia('vm', 'explain', ...wanted.slice(2)), {
    code: 2,
    err: /whose VM would it be\? Say --administration or set SECOVIA_ADMINISTRATION/,
  });
  t.match(await secovia('vm', 'explain', 'web', ...wanted.slice(2)), {
    code: 2,
    err: /Whose VM shall it be/,
  });
  t.match(await secovia('vm', 'explain', '-A', 'city'), {
    code: 2,
    err: /required option '--vcpus <count>'/,
  });
});

t.test('when no host can take it, explain ends as a refused create does', async (t) => {
  server.on('PlacementService', 'ExplainPlacement', () => refused);
  t.match(await secovia('vm', 'explain', ...wanted), {
    code: 4,
    out: [
      'Can take it  0 of 4 hosts',
      '',
      'CODE          HOSTS  SOLE  DESCRIPTION',
      'LACKS_MEMORY      4     4  4 lack memory',
      '',
      '3 hosts lack only memory; the nearest lacks 2 GiB',
      '1 host lacks only vCPUs: 2',
      '2 hosts lack only LACKS_PATIENCE; the nearest lacks 7',
      'it would fit with --memory 2GiB',
      '',
    ].join('\n'),
    err:
      'secovia: no host can take VM (2 vCPU, 4096 MiB memory, 20480 MiB disk): of 4 hosts 4 lack memory' +
      '\\x1b[2J.\n',
  });
  const json = await secovia('vm', 'explain', ...wanted, '-o', 'json');
  t.equal(json.code, 4);
  t.match(JSON.parse(json.out), {
    chosen: undefined,
    suggestion: { field: 'spec.memory_mib', value: '2048' },
  });
  t.match(await secovia('vm', 'explain', ...wanted, '-o', 'name'), { code: 4, out: '' });
});

t.test('a suggestion is told in flags, or else in the words of the scheduler', async (t) => {
  const lines: [field: string, value: string, says: string][] = [
    ['spec.vcpus', '3', 'it would fit with --vcpus 3'],
    ['spec.disk_mib', '1500', 'it would fit with --disk 1500MiB'],
    ['placement.required_traits', '', 'it would fit without --require-trait'],
    ['placement.groups', '', 'it would fit without --group'],
    ['spec.extras.gpu:a30', '1', 'it would fit with --extra gpu:a30=1'],
    ['spec.numa', '', 'it would fit without --numa'],
    ['spec.hugepage_size_kib', '', 'it would fit without --hugepages'],
    ['spec.colour', 'blue', 'paint it'],
  ];
  for (const [field, value, says] of lines) {
    server.on('PlacementService', 'ExplainPlacement', () => ({
      ...refused,
      nearestMisses: [],
      suggestion: { field, value, description: 'paint it' },
    }));
    t.ok((await secovia('vm', 'explain', ...wanted)).out.endsWith(`\n\n${says}\n`), field);
  }
});

t.test('of extras it is told which are too few, and of a host with GPUs why it is taken', async (t) => {
  server.on('PlacementService', 'ExplainPlacement', () => ({
    chosen: { host: 'hosts/sofia-1-a', sparedForGpus: true, numaCells: [0, 1] },
    hosts: 4,
    eligible: 1,
    exclusions: [
      {
        code: 'LACKS_EXTRA',
        description: '3 lack extras',
        hosts: 3,
        sole: 2,
        extras: { a: 1, 'gpu:a30': 3 },
      },
    ],
    nearestMisses: [{ code: 'LACKS_EXTRA', extra: 'gpu:a30', hosts: 2, missing: 1 }],
  }));
  t.match(await secovia('vm', 'explain', ...wanted), {
    code: 0,
    out: [
      'Would go to  sofia-1-a',
      '             NUMA cells 0, 1',
      '             has GPUs, and is only taken because no host without them will do',
      'Can take it  1 of 4 hosts',
      '',
      'CODE         HOSTS  SOLE  DESCRIPTION',
      'LACKS_EXTRA      3     2  3 lack extras (gpu:a30 on 3, a on 1)',
      '',
      '2 hosts lack only gpu:a30; the nearest lacks 1',
      '',
    ].join('\n'),
  });
});

t.test('a federation without hosts is explained as well', async (t) => {
  server.on('PlacementService', 'ExplainPlacement', () => ({ refusal: 'there are no hosts.' }));
  t.match(await secovia('vm', 'explain', ...wanted), {
    code: 4,
    out: 'Can take it  0 of 0 hosts\n',
    err: 'secovia: there are no hosts.\n',
  });
});

t.test('what does not exist is told as everywhere', async (t) => {
  const refuse = () => {
    throw new Refused(status.NOT_FOUND, 'there is no image "tiny"', {
      errorInfo: { reason: 'IMAGE_NOT_FOUND', metadata: {} },
      resource: { type: 'image', name: 'tiny' },
    });
  };
  server
    .on('PlacementService', 'ExplainPlacement', refuse)
    .on('PlacementService', 'EstimateCapacity', refuse);
  for (const verb of ['explain', 'capacity']) {
    t.match(await secovia('vm', verb, ...wanted), { code: 3, out: '', err: /secovia image list/ });
  }
});

t.test('capacity counts by site, and says when it stopped at the limit', async (t) => {
  const sites = [
    { site: 'sites/sofia-1', vms: 12 },
    { site: 'sites/skopje', vms: 5 },
  ];
  server.on('PlacementService', 'EstimateCapacity', () => ({ vms: 17, sites }));
  t.match(await secovia('vm', 'capacity', ...wanted), {
    code: 0,
    out: ['SITE     VMS', 'sofia-1   12', 'skopje     5', '17 such VMs fit', ''].join('\n'),
  });
  server.on('PlacementService', 'EstimateCapacity', () => ({ vms: 17, limited: true, sites }));
  t.match(await secovia('vm', 'capacity', ...wanted, '--limit', '17'), {
    out: /^at least 17 such VMs fit: the limit was reached, and more may fit$/m,
  });
  t.match(server.sent('PlacementService', 'EstimateCapacity').slice(-2), [
    { parent: 'administrations/city', limit: 0, vm: { spec: { vcpus: 2, image: 'images/tiny' } } },
    { limit: 17 },
  ]);
  t.match(JSON.parse((await secovia('vm', 'capacity', ...wanted, '-o', 'json')).out), {
    vms: 17,
    limited: true,
    sites: [{ site: 'sites/sofia-1', vms: 12 }, { site: 'sites/skopje' }],
  });
  t.match(await secovia('vm', 'capacity', ...wanted, '-o', 'name'), { out: 'sites/sofia-1\nsites/skopje\n' });
});

t.test('no capacity is an answer too, and leads on', async (t) => {
  server.on('PlacementService', 'EstimateCapacity', () => ({ vms: 0 }));
  t.match(await secovia('vm', 'capacity', ...wanted), {
    code: 0,
    out: 'no such VM fits; secovia vm explain with the same options says why\n',
  });
  server.on('PlacementService', 'EstimateCapacity', () => ({
    vms: 1,
    sites: [{ site: 'sites/skopje', vms: 1 }],
  }));
  t.match((await secovia('vm', 'capacity', ...wanted)).out, /^1 such VM fits$/m);
  t.match(await secovia('vm', 'capacity', ...wanted, '--limit', '10001'), {
    code: 2,
    err: /--limit is at most 10000/,
  });
});
