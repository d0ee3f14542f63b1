/** A VM on a real host gets another size: what QEMU has, what the guest sees, and what is held of the host. */
import t from 'tap';
import type { ResizeVmRequest } from '../../proto/gen/secovia/v1/ResizeVmRequest.js';
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
const excludedHosts = others.map((other) => `hosts/${other}`);

async function create(vmId: string): Promise<Vm__Output> {
  const vm = { spec: tiny, placement: { excludedHosts } };
  const answer = await laboratory.call(vms.createVm.bind(vms), { parent, vmId, vm });
  return done(answer);
}

/** The VM when its operation has succeeded. */
async function done(answer: {
  vm: Vm__Output | null;
  operation: { name: string } | null;
}): Promise<Vm__Output> {
  const ended = await laboratory.ended(answer.operation?.name ?? '');
  if (ended.state !== 'OPERATION_STATE_SUCCEEDED') throw new Error(`it ended ${JSON.stringify(ended)}`);
  return laboratory.vm(answer.vm?.name ?? '');
}

const resize = async ({ name }: Vm__Output, size: ResizeVmRequest) =>
  done(await laboratory.call(vms.resizeVm.bind(vms), { name, ...size }));

const virsh = (...words: string[]) => lab('host', host, 'virsh', '-q', ...words);

/** What libvirt says that the running domain has, or its definition. */
async function domainOf({ uid }: Vm__Output) {
  const info = await virsh('dominfo', uid);
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(info)?.[1]);
  const blocks = await virsh('domblkinfo', uid, 'vda');
  const diskMib = Number(/^Capacity: +(\d+)/m.exec(blocks)?.[1]) / 2 ** 20;
  return { vcpus: field('CPU\\(s\\)'), memoryMib: field('Max memory') / 1024, diskMib };
}

async function claimed() {
  const { host: found } = await laboratory.call(hosts.getHost.bind(hosts), { name: `hosts/${host}` });
  const { vcpus = 0, memoryMib = 0, diskMib = 0 } = found?.claimed ?? {};
  return { vcpus, memoryMib, diskMib };
}

async function boots({ uid }: Vm__Output): Promise<number> {
  const path = /<log file=["']([^"']+)/.exec(await virsh('dumpxml', uid))?.[1] ?? '';
  return (await lab('host', host, 'exec', 'cat', path)).split('SECOVIA-GUEST-READY').length - 1;
}

const agentCommand = async ({ uid }: Vm__Output, command: string): Promise<string> =>
  virsh('qemu-agent-command', uid, JSON.stringify({ execute: command }));

t.test('a running VM has its larger disk and another vCPU at once, and memory after a reboot', async (t) => {
  const vm = await create('grows');
  await until('the guest has booted', async () => (await boots(vm)) === 1);
  const size = { vcpus: 2, memoryMib: 160, diskMib: 2048 };
  const resized = await resize(vm, size);
  const cells = await until('the host has said what cells it has', async () => {
    const { host: found } = await laboratory.call(hosts.getHost.bind(hosts), { name: `hosts/${host}` });
    const known = found?.inventory?.numaCells ?? [];
    return known.length > 0 && known;
  });
  const spare = cells.reduce((sum, cell) => sum + cell.cpus, 0) >= 2;
  const now = { vcpus: spare ? 2 : 1, memoryMib: 128, diskMib: 2048 };
  t.match(resized, { state: 'VM_STATE_RUNNING', restartRequired: true, currentSize: now });
  t.same(await domainOf(vm), now);
  t.same(await claimed(), size);
  t.equal(await boots(vm), 1, 'it was not restarted');
  if (spare) {
    await until('the guest sees the vCPU', async () =>
      (await agentCommand(vm, 'guest-get-vcpus')).includes('"logical-id":1'),
    );
  }
  const rebooted = await done(await laboratory.call(vms.rebootVm.bind(vms), { name: vm.name }));
  t.match(rebooted, { state: 'VM_STATE_RUNNING', restartRequired: false, currentSize: null });
  t.same(await domainOf(vm), size);
  await until('the guest has booted again', async () => (await boots(vm)) === 2);
  await laboratory.clear();
});

t.test('what shrinks is held until the VM was stopped, and a stopped VM is resized at once', async (t) => {
  const vm = await create('shrinks');
  const larger = { vcpus: 1, memoryMib: 192, diskMib: 1024 };
  t.match(await resize(vm, larger), { restartRequired: true, heldSize: null });
  const stop = async () =>
    done(await laboratory.call(vms.stopVm.bind(vms), { name: vm.name, mode: 'STOP_MODE_FORCE' }));
  const start = async () => done(await laboratory.call(vms.startVm.bind(vms), { name: vm.name }));
  await stop();
  t.match(await start(), { restartRequired: false });
  t.same(await domainOf(vm), larger);
  t.match(await resize(vm, { memoryMib: 96 }), { restartRequired: true, heldSize: { memoryMib: 192 } });
  t.same(await claimed(), larger);
  t.match(await stop(), { restartRequired: false, heldSize: null });
  t.same(await claimed(), { ...larger, memoryMib: 96 });
  const last = { vcpus: 2, memoryMib: 128, diskMib: 1536 };
  t.match(await resize(vm, last), { state: 'VM_STATE_STOPPED', restartRequired: false, currentSize: null });
  t.same(await domainOf(vm), last);
  await start();
  t.same(await domainOf(vm), last);
  await laboratory.clear();
});

t.test('an agent and a scheduler that are killed in the middle of a resize carry it out once', async (t) => {
  const vm = await create('killed');
  const { operation } = await laboratory.call(vms.resizeVm.bind(vms), {
    name: vm.name,
    memoryMib: 160,
    diskMib: 2048,
  });
  await Promise.all([lab('host', host, 'kill-agent'), lab('scheduler', 'kill')]);
  t.equal((await laboratory.ended(operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
  // Where the resize was done before the kill, its new agent may have to look for the VM first.
  t.match(await laboratory.runsOn(vm.name, host), {
    restartRequired: true,
    currentSize: { memoryMib: 128, diskMib: 2048 },
  });
  t.same(await domainOf(vm), { vcpus: 1, memoryMib: 128, diskMib: 2048 });
  t.same(await claimed(), { vcpus: 1, memoryMib: 160, diskMib: 2048 });
  const back = await resize(vm, { memoryMib: 128 });
  t.match(back, { restartRequired: false, currentSize: null });
  t.same(await claimed(), { vcpus: 1, memoryMib: 128, diskMib: 2048 });
  await laboratory.clear();
});

t.test('a pool that libvirt, or somebody, has set inactive is active again when a VM needs it', async (t) => {
  await virsh('pool-destroy', 'secovia');
  const vm = await create('needs-its-pool');
  t.match(await domainOf(vm), { diskMib: tiny.diskMib });
  await laboratory.clear();
});
