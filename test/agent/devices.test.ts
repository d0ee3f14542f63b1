import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { chooseDevices } from '../../agent/hypervisor/devices.js';
import { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import { devicesIn } from '../../agent/hypervisor/libvirt/held-devices.js';
import { countExtras } from '../../agent/inventory/extras.js';
import { uidOf } from './world.js';

const [a, b, c] = ['0000:3b:00.0', '0000:3b:00.1', '0000:af:1f.7'] as const;
const catalogue = { 'gpu:a30': [a, b, c], licence: 2 };
const none = new Set<string>();
const floating = { hugepageKib: 0, cells: [], dedicatedCpus: false };

t.test(
  'free devices are taken in the order of the settings, a domain keeping those that it has',
  async (t) => {
    t.same(chooseDevices({ 'gpu:a30': 2 }, catalogue, none, none), [a, b]);
    t.same(chooseDevices({ 'gpu:a30': 1 }, catalogue, none, new Set([a])), [b]);
    t.same(chooseDevices({ 'gpu:a30': 2 }, catalogue, new Set([c]), none), [c, a]);
    t.same(chooseDevices({ licence: 2 }, catalogue, none, none), [], 'what has no device takes none');
  },
);

t.test('what this host does not give away is refused for good', async (t) => {
  const cases: [Record<string, number>, ReadonlySet<string>, RegExp][] = [
    [{ 'gpu:h100': 1 }, none, /gpu:h100 is not among the extras of this host's settings/],
    [{ constructor: 1 }, none, /constructor is not among/],
    [{ 'gpu:a30': 4 }, none, /4 of gpu:a30 are asked for, and 3 are free on this host/],
    [{ 'gpu:a30': 2 }, new Set([a, c]), /2 of gpu:a30 are asked for, and 1 are free/],
    [{ licence: 3 }, none, /3 of licence are asked for, and 2 are free/],
  ];
  for (const [wanted, taken, message] of cases) {
    t.throws(() => chooseDevices(wanted, catalogue, none, taken), { name: 'HypervisorError', message });
  }
});

t.test('two domains never get the same device, and what one leaves another may have', async (t) => {
  const host = new FakeHost(undefined, catalogue);
  const define = (number: number, count: number) => {
    const uid = uidOf(number);
    host.createVolume({ uid, poolPath: '', sizeMib: 1, backing: { path: '', format: 'raw' } });
    const metadata = { uid, term: 1, generation: 0, specHash: '', rebootCount: 0 };
    const hardware = { ...floating, extras: { 'gpu:a30': count } };
    host.define({ uid, poolPath: '', name: uid, title: '', vcpus: 1, memoryMib: 64, hardware, metadata });
  };
  define(1, 1);
  define(2, 2);
  t.same([host.devicesOf(uidOf(1)), host.devicesOf(uidOf(2))], [[a], [b, c]]);
  t.throws(() => define(3, 1), { message: /1 of gpu:a30 are asked for, and 0 are free/ });
  host.undefine(uidOf(1));
  define(3, 1);
  define(2, 2);
  t.same([host.devicesOf(uidOf(3)), host.devicesOf(uidOf(2))], [[a], [b, c]], 'redefined, it keeps them');
});

t.test('the devices of a domain are read from its definition', async (t) => {
  const source = (address: string) => `<source><address ${address}/></source>`;
  const xml = `<domain><devices>
    <hostdev mode='subsystem' type='pci'>${source("domain='0x0000' bus='0xaf' slot='0x1f' function='0x7'")}
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></hostdev>
    <hostdev mode='subsystem' type='usb'>${source("bus='1' device='2'")}</hostdev>
    <hostdev mode='subsystem' type='pci'>${source("bus='0x3b' slot='0x00' function='0x1'")}</hostdev>
    </devices></domain>`;
  t.same(devicesIn(xml), [c, b]);
  t.same(devicesIn('<domain/>'), []);
  t.same(devicesIn(''), []);
});

t.test('only devices that are there are counted', async (t) => {
  const sys = mkdtempSync(join(tmpdir(), 'secovia-sys-'));
  t.teardown(() => rmSync(sys, { recursive: true }));
  t.same(await countExtras(catalogue, sys), { licence: 2 });
  for (const address of [a, c]) mkdirSync(join(sys, 'bus/pci/devices', address), { recursive: true });
  t.same(await countExtras(catalogue, sys), { 'gpu:a30': 2, licence: 2 });
});
