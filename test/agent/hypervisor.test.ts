import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FakeHypervisor } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { nativeStatus } from '../../native/index.js';
import { hypervisorContract } from './hypervisor-contract.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const backing = { path: '/images/none', format: 'qcow2' } as const;

t.test('the fake hypervisor keeps the contract', (t) =>
  hypervisorContract(t, async () => {
    const hypervisor = new FakeHypervisor();
    return {
      hypervisor,
      backing,
      uid: uidOf,
      hasTrash: true,
      canGrow: true,
      close: () => hypervisor.close(),
    };
  }),
);

t.test('a fake host in a folder outlives the agent', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-fake-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const uid = uidOf(1);
  const first = FakeHypervisor.inFolder(folder);
  first.open(() => undefined);
  await until('available', () => first.availability().available);
  await first.createVolume({ uid, poolPath: '', sizeMib: 64, backing });
  const metadata = { uid, term: 1, generation: 1, specHash: '', rebootCount: 0 };
  await first.define({ uid, poolPath: '', name: 'a', title: '', vcpus: 1, memoryMib: 64, metadata });
  await first.start(uid);
  const second = FakeHypervisor.inFolder(folder);
  second.open(() => undefined);
  await until('available', () => second.availability().available);
  t.match(await second.inspect(uid), { uid, power: { kind: 'running' }, metadata });
});

const native = nativeStatus();
const skip = native.available ? false : native.reason;

t.test("libvirt's test driver keeps the contract", { skip }, (t) =>
  hypervisorContract(t, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'secovia-test-driver-'));
    const hypervisor = new LibvirtHypervisor({
      uri: 'test:///default',
      dataDir: folder,
      accelerator: 'auto',
      kvmWorks: async () => false,
    });
    return {
      hypervisor,
      backing,
      uid: uidOf,
      hasTrash: false,
      canGrow: false,
      close: async () => {
        await hypervisor.close();
        rmSync(folder, { recursive: true });
      },
    };
  }),
);

t.test("libvirt's own test domain is foreign", { skip }, async (t) => {
  const hypervisor = new LibvirtHypervisor({
    uri: 'test:///default',
    dataDir: tmpdir(),
    accelerator: 'auto',
    kvmWorks: async () => false,
  });
  t.teardown(() => hypervisor.close());
  hypervisor.open(() => undefined);
  await until('available', () => hypervisor.availability().available);
  t.match(await hypervisor.list(), [{ name: 'test', ours: false, power: { kind: 'running' } }]);
  t.match(hypervisor.availability(), { available: true, error: '', version: /^\d+\.\d+\.\d+$/ });
});

t.test('a hypervisor that cannot be reached says so, and goes on trying', { skip }, async (t) => {
  const hypervisor = new LibvirtHypervisor({
    uri: 'qemu+unix:///system?socket=/nowhere/at/all',
    dataDir: tmpdir(),
    accelerator: 'auto',
    kvmWorks: async () => false,
  });
  t.teardown(() => hypervisor.close());
  const errors: string[] = [];
  hypervisor.open((event) => event.kind === 'unavailable' && errors.push(event.error));
  await until('two attempts', () => errors.length >= 2);
  t.match(errors[0], /nowhere/);
  t.match(hypervisor.availability(), { available: false, error: /nowhere/ });
});
