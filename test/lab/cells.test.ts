/** NUMA cells and dedicated CPUs on real hosts: what is decided, what is defined, and where QEMU's threads may run. */
import t from 'tap';
import type { VmSpec } from '../../proto/gen/secovia/v1/VmSpec.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { Laboratory, lab, parent, tiny, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const { vms, hosts } = laboratory;
const [host = '', ...others] = laboratory.hostNames;
const name = `hosts/${host}`;
const excludedHosts = others.map((other) => `hosts/${other}`);

async function create(vmId: string, spec: VmSpec = {}): Promise<Vm__Output> {
  const vm = { spec: { ...tiny, ...spec }, placement: { excludedHosts } };
  const answer = await laboratory.call(vms.createVm.bind(vms), { parent, vmId, vm });
  const ended = await laboratory.ended(answer.operation?.name ?? '');
  if (ended.state !== 'OPERATION_STATE_SUCCEEDED') throw new Error(`it ended ${JSON.stringify(ended)}`);
  return laboratory.vm(answer.vm?.name ?? '');
}

/** The CPUs of the first vCPU, as libvirt has them for the running domain. */
async function pinOf({ uid }: Vm__Output): Promise<string> {
  const table = await lab('host', host, 'virsh', '-q', 'vcpupin', uid, '--vcpu', '0', '--live');
  return table.trim().split(/\s+/).at(-1) ?? '';
}

/** The CPUs that QEMU's threads for vCPUs may run on, as the kernel says. */
async function threadsOf({ uid }: Vm__Output): Promise<string[]> {
  const script = `for t in /proc/$(pgrep -f "uuid ${uid}" | head -1)/task/*; do
    case "$(cat $t/comm)" in CPU*) grep Cpus_allowed_list $t/status | cut -f 2 ;; esac; done`;
  return (await lab('host', host, 'exec', 'sh', '-c', script)).trim().split('\n');
}

t.test('a CPU that a VM has to itself is left by the others, and had again when it is gone', async (t) => {
  const { host: found } = await laboratory.call(hosts.getHost.bind(hosts), { name });
  const [cell] = found?.numaCells ?? [];
  if (cell === undefined || cell.cpus < 2) {
    t.pass('this machine has no CPU to spare');
    return;
  }
  const before = await create('shares');
  // It runs with one vCPU, has room for another, and is defined with more by now.
  const resize = { name: before.name, vcpus: cell.cpus + 1 };
  const resized = await laboratory.call(vms.resizeVm.bind(vms), resize);
  const done = await laboratory.ended(resized.operation?.name ?? '');
  t.equal(done.state, 'OPERATION_STATE_SUCCEEDED');
  const anywhere = await pinOf(before);
  const own = await create('own', { numa: { cells: 1, dedicatedCpus: true } });
  t.same(own.numaCells, [cell.id]);
  const cpu = await pinOf(own);
  t.match(cpu, /^\d+$/);
  const grow = { name: own.name, diskMib: 2048 };
  const grown = await laboratory.call(vms.resizeVm.bind(vms), grow);
  t.equal((await laboratory.ended(grown.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
  t.equal(await pinOf(own), cpu, 'its disk grows while it runs, and its CPU stays its own');
  await t.rejects(laboratory.once(vms.resizeVm.bind(vms), { name: own.name, memoryMib: 160 }), { code: 9 });
  t.same(await threadsOf(own), [cpu]);
  const after = await create('shares-too');
  for (const vm of [before, after]) {
    const [allowed = ''] = await threadsOf(vm);
    t.equal(await pinOf(vm), allowed);
    t.not(allowed, anywhere);
    t.notOk(
      allowed.split(',').some((range) => covers(range, Number(cpu))),
      `${allowed} leaves ${cpu}`,
    );
  }
  const xml = await lab('host', host, 'virsh', 'dumpxml', own.uid);
  t.match(xml, new RegExp(`<memory mode='strict' nodeset='${cell.id}'/>`));
  const deleted = await laboratory.call(vms.deleteVm.bind(vms), { name: own.name });
  await laboratory.ended(deleted.operation?.name ?? '');
  await until('the CPU is everybody’s again', async () => (await pinOf(before)) === anywhere);
  t.equal((await threadsOf(after))[0], anywhere);
});

function covers(range: string, cpu: number): boolean {
  const [first = 0, last = first] = range.split('-').map(Number);
  return cpu >= first && cpu <= last;
}
