import t from 'tap';
import type { Hardware, NumaCellFacts } from '../../agent/hypervisor/hypervisor.js';
import { layOut } from '../../agent/hypervisor/layout.js';
import { CpuKeeper } from '../../agent/hypervisor/libvirt/cpu-keeper.js';
import { cpuTune, numaTune, vcpu } from '../../agent/hypervisor/libvirt/layout-xml.js';
import { element, render } from '../../agent/hypervisor/libvirt/xml.js';
import { ErrorCode, LibvirtError } from '../../native/index.js';
import { uidOf } from './world.js';

const cellOf = (id: number, cores: number[][]): NumaCellFacts => ({
  id,
  cpus: cores.flat().length,
  cores,
  memoryMib: 4096,
  hugepages: [],
});
const machine = [cellOf(0, [[0], [1], [2], [3]]), cellOf(1, [[4], [5], [6], [7]])];

/** Definitions by uid, and what was pinned of each: `e` is the emulator. */
class Definitions {
  readonly xml = new Map<string, string>();
  /** Of those that run with another definition than the newest. */
  readonly running = new Map<string, string>();
  readonly pins = new Map<string, string[]>();

  define(number: number, vcpus: number, hardware?: Partial<Hardware>): readonly number[] {
    const uid = uidOf(number);
    const wanted = { extras: {}, hugepageKib: 0, cells: [], dedicatedCpus: false, ...hardware };
    const layout = layOut({ uid, vcpus, hardware: wanted }, machine, new Map());
    this.xml.set(uid, render(element('domain', {}, vcpu(vcpus, layout), cpuTune(layout), numaTune(layout))));
    return layout.dedicated ? layout.pins.flat() : [];
  }

  async domainXml(uid: string, { inactive = false } = {}): Promise<string> {
    const xml = (inactive ? undefined : this.running.get(uid)) ?? this.xml.get(uid);
    if (xml === undefined) throw new LibvirtError('gone', ErrorCode.NO_DOMAIN, 0, 2, 'domainXml');
    return xml;
  }

  async domainPinVcpu(uid: string, number: number, cpus: readonly number[]): Promise<void> {
    this.pins.set(uid, [...(this.pins.get(uid) ?? []), `${number}:${cpus}`]);
  }

  async domainPinEmulator(uid: string, cpus: readonly number[]): Promise<void> {
    this.pins.set(uid, [...(this.pins.get(uid) ?? []), `e:${cpus}`]);
  }
}

t.test('who shares is kept off CPUs that others have to themselves, each within its cells', async (t) => {
  const definitions = new Definitions();
  const own = definitions.define(1, 2, { cells: [0], dedicatedCpus: true });
  t.same(own, [3, 2]);
  definitions.define(2, 1);
  definitions.define(3, 1, { cells: [0] });
  definitions.define(4, 2, { cells: [0, 1] });
  const uids = [1, 2, 3, 4, 5].map(uidOf);
  const keeper = new CpuKeeper();
  await keeper.read(definitions, uids);
  t.same([...keeper.dedicated], [[uidOf(1), [2, 3]]], 'as the definitions say');
  await keeper.repin(definitions, uids, machine);
  t.same(Object.fromEntries(definitions.pins), {
    [uidOf(2)]: ['0:0,1,4,5,6,7', 'e:0,1,4,5,6,7'],
    [uidOf(3)]: ['0:0,1', 'e:0,1'],
    [uidOf(4)]: ['0:0,1', '1:4,5,6,7', 'e:0,1,4,5,6,7'],
  });
});

t.test('what is given back everybody may use again', async (t) => {
  const definitions = new Definitions();
  const keeper = new CpuKeeper();
  const { version } = keeper;
  keeper.note(uidOf(1), []);
  t.equal(keeper.version, version, 'nothing was dedicated, and nothing has changed');
  keeper.note(uidOf(1), definitions.define(1, 1, { cells: [1], dedicatedCpus: true }));
  t.not(keeper.version, version);
  keeper.note(uidOf(1), []);
  definitions.define(2, 1, { cells: [1] });
  await keeper.repin(definitions, [uidOf(2)], machine);
  t.same(definitions.pins.get(uidOf(2)), ['0:4,5,6,7', 'e:4,5,6,7']);
});

t.test('a domain that runs with other vCPUs than its definition has by now is pinned in both', async (t) => {
  for (const [before, after] of [
    [1, 3],
    [3, 1],
  ] as const) {
    const definitions = new Definitions();
    const uid = uidOf(2);
    definitions.define(2, before);
    definitions.running.set(uid, definitions.xml.get(uid) as string);
    definitions.define(2, after);
    const keeper = new CpuKeeper();
    keeper.note(uidOf(1), [0, 1, 2, 3]);
    await keeper.repin(definitions, [uid], machine);
    t.same(definitions.pins.get(uid), ['0:4,5,6,7', '1:4,5,6,7', '2:4,5,6,7', 'e:4,5,6,7']);
  }
});
