/** One domain that libvirtd keeps to itself: how much of libvirtd the agent lets it have, and who is answered meanwhile. */
import t, { type Test } from 'tap';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { ScriptedLibvirt } from './scripted-libvirt.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const [well, held] = [uidOf(1), uidOf(2)];
const timeout = { name: 'HypervisorError', fault: 'timeout' };
const metadata = { uid: well, term: 1, generation: 1, specHash: '', rebootCount: 0 };
const hardware = { extras: { gpu: 1 }, hugepageKib: 0, cells: [], dedicatedCpus: false };
const blueprint = {
  uid: well,
  poolPath: '',
  name: 'a',
  title: '',
  vcpus: 1,
  memoryMib: 64,
  metadata,
  hardware,
};

async function setUp(t: Test) {
  const libvirt = new ScriptedLibvirt();
  for (const uid of [well, held]) libvirt.uids.add(uid);
  const hypervisor = new LibvirtHypervisor({
    uri: 'qemu:///system',
    dataDir: t.testdir(),
    accelerator: 'tcg',
    kvmWorks: async () => false,
    extras: { gpu: ['0000:3b:00.0'] },
    connectTo: libvirt.connectTo,
  });
  t.teardown(() => hypervisor.close());
  hypervisor.open(() => undefined);
  await until('available', () => hypervisor.availability().available);
  return { libvirt, hypervisor };
}

t.test('of lists that wait for a domain one hangs, however often it is asked', async (t) => {
  const { libvirt, hypervisor } = await setUp(t);
  t.equal((await hypervisor.list()).length, 2);
  libvirt.held.add(held);
  // As often as the agent asks in half an hour.
  for (let asked = 0; asked < 360; asked++) await t.rejects(hypervisor.list(), timeout);
  t.equal(libvirt.hanging, 1);
  for (let asked = 0; asked < 50; asked++) {
    t.match(await hypervisor.inspect(well), { uid: well, power: { kind: 'running' } });
  }
  libvirt.release(held);
  await until('it is listed again', () =>
    hypervisor.list().then(
      (domains) => domains.length === 2,
      () => false,
    ),
  );
});

t.test('lists that are asked for at the same time do not hang one after the other', async (t) => {
  const { libvirt, hypervisor } = await setUp(t);
  libvirt.held.add(held);
  await Promise.all(Array.from({ length: 20 }, () => t.rejects(hypervisor.list(), timeout)));
  t.equal(libvirt.hanging, 1);
});

t.test('whoever looks through all domains to define one waits with the lists', async (t) => {
  const { libvirt, hypervisor } = await setUp(t);
  await hypervisor.define(blueprint);
  libvirt.held.add(held);
  for (let tried = 0; tried < 10; tried++) await t.rejects(hypervisor.define(blueprint), timeout);
  t.equal(libvirt.hanging, 1);
  t.match(await hypervisor.inspect(well), { uid: well });
});

t.test('a domain that hangs is asked once, until the answer has come', async (t) => {
  const { libvirt, hypervisor } = await setUp(t);
  libvirt.held.add(held);
  for (let asked = 0; asked < 100; asked++) {
    await t.rejects(hypervisor.inspect(held), timeout);
    await t.rejects(hypervisor.describe(held), timeout);
  }
  t.equal(libvirt.calls.filter((call) => call.endsWith(held)).length, 1);
  t.match(await hypervisor.inspect(well), { uid: well }, 'others are answered');
  libvirt.release(held);
  await until('it is answered for again', () =>
    hypervisor.inspect(held).then(
      (domain) => domain?.power.kind === 'running',
      () => false,
    ),
  );
});

t.test('so is one of which it is asked, every second, whether it is leaving', async (t) => {
  const { libvirt, hypervisor } = await setUp(t);
  libvirt.held.add(held);
  for (let asked = 0; asked < 100; asked++) await t.rejects(hypervisor.leaving(held), timeout);
  t.equal(libvirt.hanging, 1);
  t.equal(await hypervisor.leaving(well), null);
});
