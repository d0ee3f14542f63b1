import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { exitStatus, guestRuns, kvmWorks } from '../../agent/inventory/accelerator.js';
import { ScriptedLibvirt } from './scripted-libvirt.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const emulator = '/usr/bin/qemu-system-x86_64';
const skip = existsSync(emulator) ? false : 'QEMU is not installed';

t.test(
  'the tiny guest runs to its end in software emulation, so its failing with KVM means KVM',
  { skip },
  async (t) => {
    t.equal(await guestRuns(emulator, 'tcg'), true);
  },
);

t.test('with KVM it says yes or no, and soon', { skip }, async (t) => {
  const works = await kvmWorks(emulator, 'x86_64', false);
  t.type(works, 'boolean');
  if (!existsSync('/dev/kvm')) t.equal(works, false);
});

t.test('no emulator, or one that does something else, is a no', async (t) => {
  t.equal(await kvmWorks('/nowhere/qemu', 'x86_64'), false);
  t.equal(await kvmWorks('/bin/true', 'x86_64'), false);
  t.equal(await kvmWorks('/nowhere/qemu', 'aarch64'), true, "libvirt's word has to do");
});

t.test('no answer is asked for again with more time, and any answer is one', async (t) => {
  const worked = 0x21;
  const cases: [answers: (number | null)[], runs: boolean, limits: number[]][] = [
    [[worked], true, [3_000]],
    [[null, worked], true, [3_000, 15_000]],
    [[1], false, [3_000]],
    [[null, 1], false, [3_000, 15_000]],
    [[null, null], false, [3_000, 15_000]],
  ];
  for (const [answers, runs, expected] of cases) {
    const limits: number[] = [];
    const left = [...answers];
    const run = async (_: string, __: string[], limitMs: number) => {
      limits.push(limitMs);
      return left.shift() ?? null;
    };
    t.equal(await guestRuns(emulator, 'kvm', undefined, run), runs, `${answers}`);
    t.same(limits, expected);
  }
  t.equal(await exitStatus('/bin/sleep', ['60'], 100), null);
  t.equal(await exitStatus('/bin/false', [], 20_000), 1);
});

const metadata = { uid: uidOf(1), term: 1, generation: 1, specHash: '', rebootCount: 0 };
const blueprint = { uid: uidOf(1), poolPath: '', name: 'a', title: '', vcpus: 1, memoryMib: 64, metadata };

/** An agent's libvirt on a host that has KVM or not, as the test goes on. */
async function setUp(t: Test, works: boolean) {
  const libvirt = new ScriptedLibvirt();
  const host = { works, patience: [] as boolean[] };
  const found: string[] = [];
  const hypervisor = new LibvirtHypervisor({
    uri: 'qemu:///system',
    dataDir: t.testdir(),
    accelerator: 'auto',
    kvmWorks: async (_, __, isPatient) => {
      host.patience.push(isPatient);
      return host.works;
    },
    found: (accelerator) => found.push(accelerator),
    extras: {},
    connectTo: libvirt.connectTo,
  });
  const isThere = () => hypervisor.availability().available;
  t.teardown(() => hypervisor.close());
  hypervisor.open(() => undefined);
  await until('available', isThere);
  const reconnect = async () => {
    libvirt.break();
    t.notOk(isThere());
    await until('available again', isThere);
  };
  const guests = async () => (await hypervisor.machine()).accelerators;
  return { libvirt, host, found, hypervisor, reconnect, isThere, guests };
}

t.test('a host on which KVM has worked does not define guests without it', async (t) => {
  const { libvirt, host, found, hypervisor, reconnect, isThere, guests } = await setUp(t, true);
  t.same(await guests(), ['kvm']);
  for (const lose of [() => (host.works = false), () => (libvirt.domainTypes = ['qemu'])]) {
    lose();
    libvirt.break();
    await until('it was looked for again', () => /KVM has worked/.test(hypervisor.availability().error));
    t.notOk(isThere());
    await t.rejects(hypervisor.define(blueprint), { fault: 'unavailable', message: /KVM has worked/ });
    host.works = true;
    libvirt.domainTypes = ['qemu', 'kvm'];
    await until('available again', isThere);
    t.same(await guests(), ['kvm']);
  }
  await reconnect();
  t.same(found, ['kvm'], 'told once');
  t.ok(host.patience.every(Boolean), 'a no is waited for');
});

t.test('one that has never had KVM does without, until it has', async (t) => {
  const { host, found, reconnect, guests } = await setUp(t, false);
  t.same(await guests(), ['tcg']);
  await reconnect();
  t.same(await guests(), ['tcg']);
  host.works = true;
  await reconnect();
  t.same(await guests(), ['kvm']);
  t.same(found, ['tcg', 'kvm']);
  t.same(host.patience, [true, false, false], 'the guest that never ends there is run for long once');
});
