/** What is read back of a domain, from the very XML that it was defined with. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { sha256OfImageFile } from '../../agent/images/image-file.js';
import { readQcow2Disk } from '../../agent/images/qcow2-header.js';
import type { GuestSupport } from '../../agent/hypervisor/libvirt/capabilities.js';
import { readAccount } from '../../agent/hypervisor/libvirt/domain-account.js';
import { type DomainPlaces, domainXml } from '../../agent/hypervisor/libvirt/domain-xml.js';
import { temporaryFolder } from '../scheduler/scope.js';
import { uidOf } from './world.js';

const uid = uidOf(1);
const guest: GuestSupport = {
  domainType: 'qemu',
  architecture: 'x86_64',
  emulator: '/usr/bin/qemu-system-x86_64',
  machine: 'q35',
};
const floating = { hugepageKib: 0, cells: [], pins: [], dedicated: false, emulator: [] };
const catalogue = { 'gpu:a30': ['0000:3b:00.0', '0000:3b:00.1'], licence: 5 };
const poolOf = (file: string) => (file.startsWith('/data/volumes/') ? '' : null);

function xml(places: Partial<DomainPlaces> = {}): string {
  const metadata = { uid, term: 3, generation: 4, specHash: 'abcd', rebootCount: 5 };
  const title = 'administrations/a/vms/web & co';
  const blueprint = { uid, poolPath: '', name: 'web', title, vcpus: 2, memoryMib: 512, metadata };
  const diskPath = `/data/volumes/${uid}.qcow2`;
  const plain = { diskPath, diskCache: 'none', devices: [], layout: floating, consoleLog: '' } as const;
  return domainXml(blueprint, guest, { ...plain, ...places });
}

t.test('title and pool of a plain domain', async (t) => {
  t.same(readAccount(xml(), catalogue, poolOf), {
    title: 'administrations/a/vms/web & co',
    poolPath: '',
    problem: '',
  });
});

t.test('devices by the names of the settings, hugepages, cells and CPUs of its own', async (t) => {
  const layout = {
    hugepageKib: 2048,
    cells: [
      { id: 0, vcpus: [0] },
      { id: 2, vcpus: [1] },
    ],
    pins: [[3], [19]],
    dedicated: true,
    emulator: [1],
  };
  const devices = ['0000:3b:00.0', '0000:3b:00.1'];
  t.match(readAccount(xml({ layout, devices }), catalogue, poolOf), {
    hardware: { extras: { 'gpu:a30': 2 }, hugepageKib: 2048, cells: [0, 2], dedicatedCpus: true },
    problem: '',
  });
});

t.test('what no VM can have is told', async (t) => {
  const unknown = readAccount(xml({ devices: ['0000:af:00.0'] }), catalogue, poolOf);
  t.match(unknown, { problem: /has the device 0000:af:00\.0, which is not among the extras/ });
  const elsewhere = readAccount(xml({ diskPath: '/home/joe/disk.qcow2' }), catalogue, poolOf);
  t.match(elsewhere, { poolPath: null, problem: /its disk \/home\/joe\/disk\.qcow2 is not where/ });
  const diskless = xml().replace(/<disk .*<\/disk>/, '');
  t.match(readAccount(diskless, catalogue, poolOf), { problem: /has 0 disks, and a VM has one/ });
});

t.test('a disk says how large it is and what it was made from', async (t) => {
  const path = join(temporaryFolder(t), 'disk.qcow2');
  const backing = `/data/images/${'ab'.repeat(32)}.qcow2`;
  const file = Buffer.alloc(512);
  file.writeUInt32BE(0x514649fb, 0);
  file.writeUInt32BE(3, 4);
  file.writeBigUInt64BE(256n, 8);
  file.writeUInt32BE(backing.length, 16);
  file.writeBigUInt64BE(64n * 1024n * 1024n, 24);
  file.write(backing, 256);
  await writeFile(path, file);
  t.same(await readQcow2Disk(path), { virtualSizeMib: 64, backing });
  t.equal(sha256OfImageFile(backing), 'ab'.repeat(32));
  t.equal(sha256OfImageFile('/etc/passwd'), '');
  await writeFile(path, 'no disk at all, but long enough to have a header in it'.repeat(4));
  t.equal(await readQcow2Disk(path), null);
});
