import { existsSync } from 'node:fs';
import t from 'tap';
import { guestRuns, kvmWorks } from '../../agent/inventory/accelerator.js';

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
  const works = await kvmWorks(emulator, 'x86_64');
  t.type(works, 'boolean');
  if (!existsSync('/dev/kvm')) t.equal(works, false);
});

t.test('no emulator, or one that does something else, is a no', async (t) => {
  t.equal(await kvmWorks('/nowhere/qemu', 'x86_64'), false);
  t.equal(await kvmWorks('/bin/true', 'x86_64'), false);
  t.equal(await kvmWorks('/nowhere/qemu', 'aarch64'), true, "libvirt's word has to do");
});
