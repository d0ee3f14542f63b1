/**
 * The hypervisor contract against a real libvirtd with QEMU, to be run on a host of the laboratory:
 * `deploy/lab/lab host NAME exec node dist/test/agent/qemu-contract.js DATA_DIR IMAGE`, where DATA_DIR is the one of
 * the host's agent (libvirt has one pool for it) and IMAGE a qcow2 file that guests boot from.
 */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { LibvirtHypervisor } from '../../agent/hypervisor/libvirt/libvirt-hypervisor.js';
import { hypervisorContract } from './hypervisor-contract.js';

const [, , dataDir, image] = process.argv;
if (dataDir === undefined || image === undefined) throw new Error('usage: qemu-contract.js DATA_DIR IMAGE');

t.test('libvirt with QEMU keeps the contract', { timeout: 120_000 }, (t) =>
  hypervisorContract(t, async () => {
    const hypervisor = new LibvirtHypervisor({
      uri: 'qemu:///system',
      dataDir,
      accelerator: 'tcg',
      kvmWorks: async () => false,
      extras: {},
    });
    const run = randomUUID().slice(0, 24);
    return {
      hypervisor,
      backing: { path: image, format: 'qcow2' },
      uid: (number) => run + String(number).padStart(12, '0'),
      hasTrash: true,
      canGrow: true,
      close: () => hypervisor.close(),
    };
  }),
);
