/**
 * The hypervisor contract against a real libvirtd with QEMU, to be run on a host of the laboratory:
 * `deploy/lab/lab host NAME exec node dist/test/agent/qemu-contract.js DATA_DIR IMAGE PEER PEER_DATA`, where DATA_DIR is the one of
 * the host's agent (libvirt has one pool for it), IMAGE a qcow2 file that guests boot from, PEER the address of
 * another host's libvirt, and PEER_DATA the folder there.
 */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { hypervisorContract } from './hypervisor-contract.js';
import { until } from './until.js';

const [, , dataDir, image, peerUri, peerData] = process.argv;
if (dataDir === undefined || image === undefined || peerUri === undefined || peerData === undefined)
  throw new Error('usage: qemu-contract.js DATA_DIR IMAGE PEER PEER_DATA');

t.test('libvirt with QEMU keeps the contract', { timeout: 120_000 }, (t) =>
  hypervisorContract(t, async () => {
    const on = (uri: string, folder: string) =>
      new LibvirtHypervisor({
        uri,
        dataDir: folder,
        accelerator: 'tcg',
        kvmWorks: async () => false,
        extras: {},
        migration: { tls: true, unsafe: true },
      });
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
