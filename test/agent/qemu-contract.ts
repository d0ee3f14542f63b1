/**
 * The hypervisor contract against a real libvirtd with QEMU, to be run on a host of the laboratory:
 * `deploy/lab/lab host NAME exec node dist/test/agent/qemu-contract.js DATA_DIR IMAGE PEER PEER_DATA`, where DATA_DIR is the one of
 * the host's agent (libvirt has one pool for it), IMAGE a qcow2 file that guests boot from, PEER the address of
 * another host's libvirt, and PEER_DATA the folder there.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { PoolFolders } from '../../agent/hypervisor/pool-folders.js';
import { PoolMounts } from '../../agent/state/pool-mounts.js';
import { hypervisorContract } from './hypervisor-contract.js';
import { until } from './until.js';

const [, , dataDir, image, peerUri, peerData] = process.argv;
if (dataDir === undefined || image === undefined || peerUri === undefined || peerData === undefined)
  throw new Error('usage: qemu-contract.js DATA_DIR IMAGE PEER PEER_DATA');

const kvmWorks = async () => false;
const common = { uri: 'qemu:///system', accelerator: 'tcg', kvmWorks, extras: {} } as const;

t.test(
  'a disk in a pool that takes no direct I/O is written in another way, also after a restart of the agent',
  { timeout: 60_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'secovia-ramfs-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const poolPath = join(folder, 'pool');
    mkdirSync(poolPath);
    execFileSync('mount', ['-t', 'ramfs', 'ramfs', poolPath]);
    t.teardown(() => execFileSync('umount', ['--lazy', poolPath]));
    // QEMU is another user, and libvirt hands it the disk alone.
    for (const path of [folder, poolPath]) chmodSync(path, 0o711);
    const poolFolders = new PoolFolders([folder], new PoolMounts(folder));
    const agent = async () => {
      const hypervisor = new LibvirtHypervisor({ ...common, dataDir, poolFolders });
      hypervisor.open(() => undefined);
      t.teardown(() => hypervisor.close());
      await until('libvirt', () => hypervisor.availability().available, 30_000);
      return hypervisor;
    };
    const uid = randomUUID();
    const first = await agent();
    t.teardown(async () => {
      await first.destroy(uid);
      await first.undefine(uid);
    });
    const metadata = { uid, term: 1, generation: 0, specHash: 'abcd', rebootCount: 0 };
    const machine = { vcpus: 1, memoryMib: 96, metadata };
    const blueprint = { uid, poolPath, name: `ramfs-${uid.slice(-6)}`, title: 'ramfs', ...machine };
    await first.createVolume({ uid, poolPath, sizeMib: 64, backing: { path: image, format: 'qcow2' } });
    await first.define(blueprint);
    await first.start(uid, poolPath);
    t.match((await first.inspect(uid))?.power, { kind: 'running' });
    const second = await agent();
    await second.growVolume({ uid, poolPath }, 64);
    await second.define({ ...blueprint, memoryMib: 112 });
    await second.destroy(uid);
    await second.start(uid, poolPath);
    t.match(await second.inspect(uid), { power: { kind: 'running' }, compute: { memoryMib: 112 } });
  },
);

t.test('libvirt with QEMU keeps the contract', { timeout: 120_000 }, (t) =>
  hypervisorContract(t, async () => {
    const on = (uri: string, folder: string) =>
      new LibvirtHypervisor({ ...common, uri, dataDir: folder, migration: { tls: true, unsafe: true } });
    const hypervisor = on('qemu:///system', dataDir);
    const peer = { hypervisor: on(peerUri, peerData), uri: peerUri };
    peer.hypervisor.open(() => undefined);
    await until('the other one', () => peer.hypervisor.availability().available, 30_000).catch(
      async (error) => {
        await peer.hypervisor.close();
        throw error;
      },
    );
    const run = randomUUID().slice(0, 24);
    return {
      hypervisor,
      peer,
      backing: { path: image, format: 'qcow2' },
      uid: (number) => run + String(number).padStart(12, '0'),
      hasTrash: true,
      canGrow: true,
      close: async () => {
        await peer.hypervisor.close();
        await hypervisor.close();
      },
    };
  }),
);
