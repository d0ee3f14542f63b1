import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FakeHypervisor } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import { FakeNetwork } from '../../agent/hypervisor/fake/fake-network.js';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { devicesIn } from '../../agent/hypervisor/libvirt/held-devices.js';
import { readPinned } from '../../agent/hypervisor/libvirt/layout-xml.js';
import type { Hardware } from '../../agent/hypervisor/hypervisor.js';
import { nativeStatus, openConnection } from '../../native/index.js';
import { hypervisorContract } from './hypervisor-contract.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const floating = { hugepageKib: 0, cells: [], dedicatedCpus: false };
const backing = { path: '/images/none', format: 'qcow2' } as const;

t.test('the fake hypervisor keeps the contract', (t) =>
  hypervisorContract(t, async () => {
    const hypervisor = new FakeHypervisor();
    const peer = { hypervisor: new FakeHypervisor(), uri: 'qemu+tls://h2/system' };
    const network = new FakeNetwork();
    network.join('qemu+tls://h1/system', hypervisor.host);
    network.join(peer.uri, peer.hypervisor.host);
    for (const number of [12, 13]) {
      peer.hypervisor.host.createVolume({ uid: uidOf(number), poolPath: '', sizeMib: 64, backing });
    }
    peer.hypervisor.open(() => undefined);
    return {
      hypervisor,
      peer,
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
      extras: {},
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

t.test('domains that are defined at the same time get devices of their own', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-devices-'));
  const hypervisor = new LibvirtHypervisor({
    uri: 'test:///default',
    dataDir: folder,
    accelerator: 'auto',
    kvmWorks: async () => false,
    extras: { 'gpu:a30': ['0000:3b:00.0', '0000:3b:00.1'] },
  });
  hypervisor.open(() => undefined);
  await until('available', () => hypervisor.availability().available);
  // The test driver's domains belong to the process, so that another connection sees them.
  const connection = await openConnection('test:///default');
  t.teardown(async () => {
    for (const number of [11, 12, 13]) await hypervisor.undefine(uidOf(number));
    await Promise.all([connection.close(), hypervisor.close()]);
    rmSync(folder, { recursive: true });
  });
  const define = (number: number) => {
    const uid = uidOf(number);
    const metadata = { uid, term: 1, generation: 0, specHash: '', rebootCount: 0 };
    const hardware = { ...floating, extras: { 'gpu:a30': 1 } };
    const size = { vcpus: 1, memoryMib: 64 };
    return hypervisor.define({
      uid,
      poolPath: '',
      name: `d${number}`,
      title: '',
      ...size,
      hardware,
      metadata,
    });
  };
  const devices = async (number: number) => devicesIn(await connection.domainXml(uidOf(number)));
  for (const number of [11, 12, 13])
    await hypervisor.createVolume({ uid: uidOf(number), poolPath: '', sizeMib: 64, backing });
  await Promise.all([define(11), define(12)]);
  t.same([await devices(11), await devices(12)], [['0000:3b:00.0'], ['0000:3b:00.1']]);
  await t.rejects(define(13), { name: 'HypervisorError', message: /0 are free/ });
  await define(12);
  t.same(await devices(12), ['0000:3b:00.1'], 'defined anew, it keeps its own');
  await hypervisor.undefine(uidOf(11));
  await define(13);
  t.same(await devices(13), ['0000:3b:00.0'], 'what is given back can be had');
});

t.test('what is dedicated is read from the definitions by the next agent', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-cells-'));
  const open = async () => {
    const hypervisor = new LibvirtHypervisor({
      uri: 'test:///default',
      dataDir: folder,
      accelerator: 'auto',
      kvmWorks: async () => false,
      extras: {},
    });
    hypervisor.open(() => undefined);
    await until('available', () => hypervisor.availability().available);
    return hypervisor;
  };
  const connection = await openConnection('test:///default');
  const first = await open();
  const second = await open();
  const [cell] = (await first.machine()).numaCells;
  const count = (cell?.cpus ?? 0) / 2;
  t.ok(Number.isInteger(count) && count > 0, `the first cell has ${cell?.cpus} CPUs`);
  t.teardown(async () => {
    for (const number of [21, 22, 23]) await second.undefine(uidOf(number));
    await Promise.all([connection.close(), first.close(), second.close()]);
    rmSync(folder, { recursive: true });
  });
  const define = async (
    hypervisor: LibvirtHypervisor,
    number: number,
    vcpus: number,
    hardware?: Hardware,
  ) => {
    const uid = uidOf(number);
    const metadata = { uid, term: 1, generation: 0, specHash: '', rebootCount: 0 };
    await hypervisor.createVolume({ uid, poolPath: '', sizeMib: 64, backing });
    const size = { vcpus, memoryMib: 64 };
    await hypervisor.define({
      uid,
      poolPath: '',
      name: `d${number}`,
      title: '',
      ...size,
      hardware,
      metadata,
    });
  };
  const pinned = async (number: number) => readPinned(await connection.domainXml(uidOf(number)));
  const dedicated = { extras: {}, hugepageKib: 0, cells: [cell?.id ?? 0], dedicatedCpus: true };
  await define(first, 21, count, dedicated);
  const taken = (await pinned(21)).dedicated;
  t.equal(taken.length, count);
  await define(second, 22, 1);
  t.notOk(
    (await pinned(22)).pins.get(0)?.some((cpu) => taken.includes(cpu)),
    'nobody else is let on them',
  );
  await define(second, 23, count, dedicated);
  t.notOk((await pinned(23)).dedicated.some((cpu) => taken.includes(cpu)));
});

t.test("libvirt's own test domain is foreign", { skip }, async (t) => {
  const hypervisor = new LibvirtHypervisor({
    uri: 'test:///default',
    dataDir: tmpdir(),
    accelerator: 'auto',
    kvmWorks: async () => false,
    extras: {},
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
    extras: {},
  });
  t.teardown(() => hypervisor.close());
  const errors: string[] = [];
  hypervisor.open((event) => event.kind === 'unavailable' && errors.push(event.error));
  await until('two attempts', () => errors.length >= 2);
  t.match(errors[0], /nowhere/);
  t.match(hypervisor.availability(), { available: false, error: /nowhere/ });
});
