import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { VmSpec } from '../../../proto/gen/secovia/v1/VmSpec.js';
import { inventory } from './agent.js';
import { adm, Federation, newVm } from './federation.js';
import { asked, refusedBy } from './questions.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const cells = [
  { id: 1, cpus: 8, memoryMib: 32_768, hugepages: [] },
  {
    id: 0,
    cpus: 8,
    memoryMib: 32_768,
    hugepages: [
      { sizeKib: 1_048_576, count: 4 },
      { sizeKib: 2048, count: 1024 },
    ],
  },
];
const withCells = (bindsToCells: boolean) => ({
  inventory: {
    ...inventory(),
    total: { vcpus: 16, memoryMib: 65_536, diskMib: 1_000_000, vms: 100 },
    numaCells: cells,
    bindsToCells,
  },
});
await federation.host('old', withCells(false));
const agent = await federation.host('numa', withCells(true));
const numa = { cells: 1, dedicatedCpus: true };

test('memory that is set aside as hugepages is not offered as ordinary, whatever the agent can do with it', async (t) => {
  for (const name of ['hosts/old', 'hosts/numa']) {
    const { host } = await api.call('GetHost', { name });
    t.equal(host?.capacity?.memoryMib, 65_536 - 6 * 1024, name);
    t.equal(host?.numaCells.length, name === 'hosts/numa' ? 2 : 0);
  }
});

test('a VM is bound to cells, its host shows it, and its agent hears it', async (t) => {
  const spec = { vcpus: 4, memoryMib: 1024, hugepageSizeKib: 2048, numa };
  const vm = await federation.vm('bound', asked(spec));
  t.match(vm, { host: 'hosts/numa', numaCells: [0], spec: { hugepageSizeKib: 2048, numa } });
  const { desired } = await agent.heard.next('Desired', (heard) => heard.desired?.uid === vm.uid);
  t.match(desired, { numaCells: [0], spec: { hugepageSizeKib: 2048, numa } });
  await federation.vm('shares', asked({ vcpus: 3, memoryMib: 2048, numa: { cells: 1 } }));
  const { host } = await api.call('GetHost', { name: 'hosts/numa' });
  const free = { dedicatedCpus: 0, claimedVcpus: 0, claimedMemoryMib: 0 };
  t.same(host?.numaCells, [
    {
      ...free,
      id: 0,
      cpus: 8,
      dedicatedCpus: 4,
      claimedVcpus: 3,
      memoryMib: 26_624,
      claimedMemoryMib: 2048,
      hugepages: [
        { sizeKib: 2048, count: 1024, claimed: 512 },
        { sizeKib: 1_048_576, count: 4, claimed: 0 },
      ],
    },
    { ...free, id: 1, cpus: 8, memoryMib: 32_768, hugepages: [] },
  ]);
  t.same(host?.hugepages, [
    { sizeKib: 2048, count: 1024, claimed: 512 },
    { sizeKib: 1_048_576, count: 4, claimed: 0 },
  ]);
  t.match(host?.claimed, { vcpus: 7, memoryMib: 2048, vms: 2 });
});

test('claims on cells are there again after a restart', async (t) => {
  const before = (await api.call('GetHost', { name: 'hosts/numa' })).host;
  await scheduler.restart();
  await federation.reconnect('old', withCells(false));
  await federation.reconnect('numa', withCells(true));
  const after = (await api.call('GetHost', { name: 'hosts/numa' })).host;
  t.same(after?.numaCells, before?.numaCells);
  t.same(after?.claimed, before?.claimed);
  t.same((await federation.get(`${adm}/vms/bound`)).numaCells, [0]);
});

test('a refusal says what was asked for, and an explanation which cells it would be', async (t) => {
  const vm = asked({ vcpus: 8, memoryMib: 4096, hugepageSizeKib: 2048, numa: { cells: 2 } });
  t.match(await refusedBy(api, vm), {
    code: status.RESOURCE_EXHAUSTED,
    message:
      'no host can take VM "web" (8 vCPU, 4096 MiB in pages of 2 MiB, 200 MiB disk, 2 NUMA cells): of 2 hosts 2 lack hugepages',
  });
  const answer = await api.call('ExplainPlacement', {
    parent: adm,
    vm: asked({ memoryMib: 1024, hugepageSizeKib: 1_048_576, numa: { cells: 1 } }),
  });
  t.match(answer.chosen, { host: 'hosts/numa', numaCells: [0], hugepagesLeft: 3 });
});

test('what no cell or pool can have is refused, each by its field', async (t) => {
  const cases: [VmSpec, field: string, RegExp][] = [
    [{ hugepageSizeKib: 4 }, 'hugepage_size_kib', /4 must be 2048 or 1048576, or 0/],
    [{ hugepageSizeKib: 2048, memoryMib: 1025 }, 'memory_mib', /pages of 2 MiB; it must be a multiple of 2/],
    [{ hugepageSizeKib: 1_048_576, memoryMib: 1536 }, 'memory_mib', /pages of 1024 MiB/],
    [{ numa: { cells: 9 } }, 'numa.cells', /from 0 to 8/],
    [{ numa: { cells: -1 } }, 'numa.cells', /from 0 to 8/],
    [{ numa: { dedicatedCpus: true } }, 'numa.dedicated_cpus', /needs cells/],
    [{ vcpus: 3, numa: { cells: 2 } }, 'vcpus', /3 vCPUs cannot be divided into 2 equal cells/],
    [
      { vcpus: 2, memoryMib: 1025, numa: { cells: 2 } },
      'memory_mib',
      /2 equal cells; it must be a multiple of 2/,
    ],
    [
      { vcpus: 2, memoryMib: 1026, hugepageSizeKib: 2048, numa: { cells: 2 } },
      'memory_mib',
      /2 equal cells of whole pages of 2 MiB; it must be a multiple of 4/,
    ],
  ];
  const before = await api.sequence();
  for (const [spec, field, description] of cases) {
    const failure = await api.fails('CreateVm', newVm('x', asked(spec)));
    t.match(failure, {
      code: status.INVALID_ARGUMENT,
      details: { fieldViolations: [{ field: `vm.spec.${field}`, description }] },
    });
  }
  t.equal(await api.sequence(), before);
  const floats = await federation.vm('floats', asked({ numa: { cells: 0 } }));
  t.equal(floats.spec?.numa, null, 'no cells are no wish');
});
