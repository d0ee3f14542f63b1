/**
 * How long a person waits for a VM: from the answer to the create call until `vm watch` shows it running, on the
 * laboratory's real hosts. When the watch says so, libvirt on the VM's host is asked whether it agrees.
 */
import type { WatchVmsResponse__Output } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import { Laboratory, lab, parent, tiny, until } from '../lab/laboratory.js';
import { median, type Report } from './report.js';

const rounds = 10;

export async function start(report: Report, say: (line: string) => void): Promise<void> {
  const laboratory = await Laboratory.up();
  await laboratory.clear();
  const { vms } = laboratory;
  const runningSinceMs = new Map<string, number>();
  const watch = vms.watchVms({ parent });
  watch.on('data', ({ vm }: WatchVmsResponse__Output) => {
    if (vm?.state === 'VM_STATE_RUNNING' && !runningSinceMs.has(vm.uid))
      runningSinceMs.set(vm.uid, performance.now());
  });
  watch.on('error', () => {});
  const took: number[] = [];
  let agreed = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const { vm } = await laboratory.call(vms.createVm.bind(vms), {
      parent,
      vmId: `start-${round}`,
      vm: { spec: tiny },
    });
    const answeredMs = performance.now();
    if (!vm) throw new Error('an answer without a VM');
    const seenMs = await until('the watch shows it running', async () => runningSinceMs.get(vm.uid));
    const host = vm.host.slice('hosts/'.length);
    if ((await lab('host', host, 'virsh', '-q', 'domstate', vm.uid)).trim() === 'running') agreed += 1;
    took.push(Math.max(0, seenMs - answeredMs) / 1000);
    say(`round ${round}: ${(took.at(-1) ?? 0).toFixed(2)} s on ${host}`);
    const { operation } = await laboratory.call(vms.deleteVm.bind(vms), { name: `vms/${vm.uid}` });
    await laboratory.ended(operation?.name ?? '');
  }
  watch.cancel();
  await laboratory.clear();
  laboratory.close();
  await lab('down');
  report.figure('create answered to running, median seconds', median(took));
  report.promise('create answered to running, worst seconds', Math.max(...took), { most: 3 });
  report.promise('domains that libvirt says run when the watch does', agreed, { least: rounds });
}
