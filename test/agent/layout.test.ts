import t from 'tap';
import { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import type { Hardware, NumaCellFacts } from '../../agent/hypervisor/hypervisor.js';
import { type DedicatedCpus, layOut } from '../../agent/hypervisor/layout.js';
import { formatCpus, parseCpus } from '../../agent/hypervisor/libvirt/cpu-set.js';
import {
  cpuTune,
  guestCells,
  memoryBacking,
  numaTune,
  readPinned,
  vcpu,
} from '../../agent/hypervisor/libvirt/layout-xml.js';
import { element, render } from '../../agent/hypervisor/libvirt/xml.js';
import { uidOf } from './world.js';

/** Two cells of two cores, whose second threads come after all first ones. */
const machine: NumaCellFacts[] = [0, 1].map((id) => ({
  id,
  cpus: 4,
  cores: [
    [2 * id, 2 * id + 4],
    [2 * id + 1, 2 * id + 5],
  ],
  memoryMib: 4096,
  hugepages: id === 0 ? [{ sizeKib: 2048, count: 512 }] : [],
}));
const floats: Hardware = { extras: {}, hugepageKib: 0, cells: [], dedicatedCpus: false };
const nobody: DedicatedCpus = new Map();
const other = (...cpus: number[]): DedicatedCpus => new Map([[uidOf(9), cpus]]);
const of = (vcpus: number, hardware: Partial<Hardware> = {}, dedicated = nobody) =>
  layOut({ uid: uidOf(1), vcpus, hardware: { ...floats, ...hardware } }, machine, dedicated);

t.test('a VM that floats may run anywhere, but on CPUs that others have to themselves', async (t) => {
  t.same(of(2), { hugepageKib: 0, cells: [], dedicated: false, pins: [], emulator: [] });
  const allowed = [0, 4, 1, 2, 6, 3, 7];
  t.same(of(2, {}, other(5)), { ...of(2), pins: [allowed, allowed], emulator: allowed });
});

t.test('each part of a VM runs on its cell', async (t) => {
  t.match(of(4, { cells: [0, 1] }), {
    cells: [
      { id: 0, vcpus: [0, 1] },
      { id: 1, vcpus: [2, 3] },
    ],
    pins: [
      [0, 4, 1, 5],
      [0, 4, 1, 5],
      [2, 6, 3, 7],
      [2, 6, 3, 7],
    ],
    dedicated: false,
  });
  t.same(of(1, { cells: [1] }, other(2, 3)).pins, [[6, 7]]);
});

t.test('dedicated CPUs are whole cores, the last ones first, and those that it has already', async (t) => {
  const dedicated = (count: number, cells: number[], taken = nobody) =>
    of(count, { cells, dedicatedCpus: true }, taken);
  t.same(dedicated(2, [0]).pins, [[1], [5]]);
  t.same(dedicated(2, [0]).emulator, [0, 4]);
  t.same(dedicated(4, [0, 1]).pins, [[1], [5], [3], [7]]);
  t.same(dedicated(2, [0], other(5)).pins, [[0], [4]], 'a core that is broken already comes last');
  t.same(dedicated(3, [0], other(5)).pins, [[0], [4], [1]]);
  t.same(dedicated(2, [0], new Map([[uidOf(1), [0]]])).pins, [[0], [1]]);
  t.same(dedicated(4, [0]).emulator.sort(), [0, 1, 4, 5], 'with all of a cell there is nothing else');
});

t.test('what this machine does not have is refused for good', async (t) => {
  const cases: [number, Partial<Hardware>, DedicatedCpus, RegExp][] = [
    [1, { cells: [2] }, nobody, /no NUMA cell 2/],
    [5, { cells: [0], dedicatedCpus: true }, nobody, /NUMA cell 0 of this host has too few CPUs/],
    [2, { cells: [0], dedicatedCpus: true }, other(0, 1, 4), /too few CPUs/],
    [1, { cells: [0] }, other(0, 1, 4, 5), /too few CPUs/],
    [1, { hugepageKib: 1_048_576 }, nobody, /this host has no hugepages of 1048576 KiB/],
    [1, { cells: [1], hugepageKib: 2048 }, nobody, /NUMA cell 1 of this host has no hugepages of 2048 KiB/],
  ];
  for (const [vcpus, hardware, dedicated, message] of cases) {
    t.throws(() => of(vcpus, hardware, dedicated), { name: 'HypervisorError', message });
  }
  t.equal(of(1, { hugepageKib: 2048 }).hugepageKib, 2048);
});

t.test('two domains never have the same CPU to themselves', async (t) => {
  const host = new FakeHost();
  const define = (number: number, vcpus: number) => {
    const uid = uidOf(number);
    host.createVolume({ uid, poolPath: '', sizeMib: 1, backing: { path: '', format: 'raw' } });
    const metadata = { uid, term: 1, generation: 0, specHash: '', rebootCount: 0 };
    const hardware = { ...floats, cells: [0], dedicatedCpus: true };
    host.define({ uid, poolPath: '', name: uid, title: '', vcpus, memoryMib: 64, hardware, metadata });
  };
  for (const number of [1, 2, 3]) define(number, 4);
  const cpus = [1, 2, 3].flatMap((number) => host.cpusOf(uidOf(number)));
  t.equal(new Set(cpus).size, 12);
  t.throws(() => define(4, 5), { name: 'HypervisorError' });
  host.undefine(uidOf(2));
  define(4, 5);
});

t.test('sets of CPUs are written as libvirt writes them', async (t) => {
  const cases: [number[], string][] = [
    [[], ''],
    [[3], '3'],
    [[0, 1, 2, 5], '0-2,5'],
    [[9, 7, 8, 1], '1,7-9'],
  ];
  for (const [cpus, text] of cases) {
    t.equal(formatCpus(cpus), text);
    t.same(
      parseCpus(text),
      [...cpus].sort((a, b) => a - b),
    );
  }
  t.same(parseCpus('x,1-'), []);
});

const xmlOf = (vcpus: number, hardware: Partial<Hardware>, dedicated = nobody) => {
  const layout = of(vcpus, hardware, dedicated);
  return render(
    element(
      'domain',
      {},
      memoryBacking(layout),
      vcpu(vcpus, layout),
      cpuTune(layout),
      numaTune(layout),
      element('cpu', {}, guestCells(1024, layout)),
    ),
  ).replaceAll('><', '>\n<');
};

t.test('a VM of two cells with dedicated CPUs and hugepages, as libvirt is told', async (t) => {
  const both = [{ sizeKib: 2048, count: 512 }];
  for (const cell of machine) cell.hugepages = both;
  t.teardown(() => {
    for (const cell of machine) cell.hugepages = cell.id === 0 ? both : [];
  });
  const xml = xmlOf(4, { hugepageKib: 2048, cells: [0, 1], dedicatedCpus: true });
  t.equal(
    xml,
    `<domain>
<memoryBacking>
<hugepages>
<page size="2048" unit="KiB"/>
</hugepages>
</memoryBacking>
<vcpu placement="static" cpuset="1,3,5,7">4</vcpu>
<cputune>
<vcpupin vcpu="0" cpuset="1"/>
<vcpupin vcpu="1" cpuset="5"/>
<vcpupin vcpu="2" cpuset="3"/>
<vcpupin vcpu="3" cpuset="7"/>
<emulatorpin cpuset="0,2,4,6"/>
</cputune>
<numatune>
<memory mode="strict" nodeset="0-1"/>
<memnode cellid="0" mode="strict" nodeset="0"/>
<memnode cellid="1" mode="strict" nodeset="1"/>
</numatune>
<cpu>
<numa>
<cell id="0" cpus="0-1" memory="524288" unit="KiB"/>
<cell id="1" cpus="2-3" memory="524288" unit="KiB"/>
</numa>
</cpu>
</domain>`,
  );
  t.match(readPinned(xml), { dedicated: [1, 3, 5, 7], cells: [0, 1], vcpus: 4 });
});

t.test('a VM within one cell sees no cells, and one that floats is not bound at all', async (t) => {
  t.equal(
    xmlOf(1, { cells: [1] }),
    `<domain>
<vcpu placement="static">1</vcpu>
<cputune>
<vcpupin vcpu="0" cpuset="2-3,6-7"/>
<emulatorpin cpuset="2-3,6-7"/>
</cputune>
<numatune>
<memory mode="strict" nodeset="1"/>
</numatune>
<cpu/>
</domain>`,
  );
  t.equal(xmlOf(2, {}), '<domain>\n<vcpu placement="static">2</vcpu>\n<cpu/>\n</domain>');
  const beside = readPinned(xmlOf(2, {}, other(5)));
  t.match(beside, { dedicated: [], cells: [], vcpus: 2 });
  t.same([...beside.pins.keys()], [0, 1]);
});
