/** The contract that the fake hypervisor passes, and libvirt's test driver, holds for real QEMU on a real host. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Laboratory, lab } from './laboratory.js';
import { labDirectory } from './place.js';

const laboratory = await Laboratory.up();
t.teardown(() => laboratory.close());

t.test('the hypervisor contract holds on a host with QEMU', async (t) => {
  // Its peer takes guests from neighbours alone.
  const host = 'zagreb-1';
  const image = /SECOVIA_LAB_IMAGE=(\S+)/.exec(await lab('env'))?.[1] ?? '';
  const suite = fileURLToPath(new URL('../agent/qemu-contract.js', import.meta.url));
  // libvirt has one pool of ours for it, which is the agent's.
  const folder = join(labDirectory, 'hosts', host, 'secovia');
  const peer = ['qemu+tls://zagreb-2/system', join(labDirectory, 'hosts', 'zagreb-2', 'secovia')];
  const output = await lab('host', host, 'exec', process.execPath, suite, folder, image, ...peer).catch(
    (error: { stdout?: string; message: string }) => error.stdout ?? error.message,
  );
  t.match(output, /^ok 1/m, 'its tests ran');
  t.notMatch(output, /^\s*not ok/m, 'none of them failed');
});
