/** A VM's life on real hosts: what the scheduler says and what libvirt says agree at every step. */
import t from 'tap';
import type { WatchVmsResponse__Output } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { Laboratory, lab, parent, tiny, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const { vms } = laboratory;

async function create(vmId: string): Promise<Vm__Output> {
  const { vm, operation } = await laboratory.call(vms.createVm.bind(vms), {
    parent,
    vmId,
    vm: { spec: tiny },
  });
  if (!vm || !operation) throw new Error('the answer lacks the VM or its operation');
  const ended = await laboratory.ended(operation.name);
  if (ended.state !== 'OPERATION_STATE_SUCCEEDED')
    throw new Error(`the creation ended ${JSON.stringify(ended)}`);
  return laboratory.vm(vm.name);
}

/** The state of the VM's domain as virsh on its own host says. */
async function domainState({ uid, host }: Vm__Output): Promise<string> {
  const domains = await laboratory.domainsOf(host.slice('hosts/'.length));
  return domains.find(({ uuid }) => uuid === uid)?.state ?? 'none';
}

/** The guest's console up to now. */
async function consoleOf({ uid, host }: Vm__Output): Promise<string> {
  const name = host.slice('hosts/'.length);
  const xml = await lab('host', name, 'virsh', 'dumpxml', uid);
  const path = /<log file=["']([^"']+)/.exec(xml)?.[1];
  if (path === undefined) throw new Error(`no console file in ${xml}`);
  return lab('host', name, 'exec', 'cat', path);
}

const boots = (text: string) => text.split('SECOVIA-GUEST-READY').length - 1;

t.test(
  'a VM is created, runs, stops, starts, reboots and is deleted, and virsh agrees each time',
  async (t) => {
    const seen: string[] = [];
    const watch = vms.watchVms({ parent });
    watch.on('data', ({ type, vm }: WatchVmsResponse__Output) => {
      if (vm) seen.push(`${type} ${vm.state}`);
    });
    watch.on('error', () => {});

    const vm = await create('life');
    t.equal(vm.state, 'VM_STATE_RUNNING');
    t.equal(await domainState(vm), 'running');
    await until('the guest has booted', async () => boots(await consoleOf(vm)) === 1);
    t.pass('the guest has booted from its disk');
    const listed = await laboratory.allVms();
    t.same(
      listed.map(({ name, uid }) => ({ name, uid })),
      [{ name: `${parent}/vms/life`, uid: vm.uid }],
      'it is listed',
    );

    const stop = await laboratory.call(vms.stopVm.bind(vms), { name: vm.name, gracePeriod: { seconds: 60 } });
    t.equal((await laboratory.ended(stop.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
    t.equal((await laboratory.vm(vm.name)).state, 'VM_STATE_STOPPED');
    t.equal(await domainState(vm), 'shut off');

    const start = await laboratory.call(vms.startVm.bind(vms), { name: vm.name });
    t.equal((await laboratory.ended(start.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
    t.equal((await laboratory.vm(vm.name)).state, 'VM_STATE_RUNNING');
    t.equal(await domainState(vm), 'running');
    await until('the guest has booted again', async () => boots(await consoleOf(vm)) === 2);

    const reboot = await laboratory.call(vms.rebootVm.bind(vms), {
      name: vm.name,
      mode: 'REBOOT_MODE_FORCE',
    });
    t.equal((await laboratory.ended(reboot.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
    await until('the guest has rebooted', async () => boots(await consoleOf(vm)) === 3);
    t.equal(await domainState(vm), 'running');

    const remove = await laboratory.call(vms.deleteVm.bind(vms), { name: vm.name });
    t.equal((await laboratory.ended(remove.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
    t.equal(await domainState(vm), 'none');
    t.same(await laboratory.allVms(), [], 'it is gone from the list');
    await until('the watch has seen it go', async () => seen.some((event) => event.includes('REMOVED')));
    t.ok(seen.includes('WATCH_EVENT_TYPE_UPDATED VM_STATE_RUNNING'), 'the watch has seen it run');
    t.ok(seen.includes('WATCH_EVENT_TYPE_UPDATED VM_STATE_STOPPED'), 'the watch has seen it stopped');
    watch.cancel();
  },
);

t.test(
  'a graceful reboot restarts the guest once, and asking again with the same id does nothing',
  async (t) => {
    const vm = await create('again');
    await until('the guest has booted', async () => boots(await consoleOf(vm)) === 1);
    const request = { name: vm.name, requestId: 'aaaaaaaa-0000-4000-8000-000000000001' };
    const first = await laboratory.call(vms.rebootVm.bind(vms), request);
    const second = await laboratory.call(vms.rebootVm.bind(vms), request);
    t.same(second, first, 'the first answer is given again');
    t.equal((await laboratory.ended(first.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
    await until('the guest has rebooted', async () => boots(await consoleOf(vm)) === 2);
    t.equal(await domainState(vm), 'running');
    await laboratory.clear();
  },
);

t.test('a guest that powers itself off stays off, and starts when it is told to', async (t) => {
  const vm = await create('selfish');
  const host = vm.host.slice('hosts/'.length);
  await until('the guest agent answers', async () => {
    await lab('host', host, 'virsh', 'qemu-agent-command', vm.uid, '{"execute":"guest-ping"}');
    return true;
  });
  // The answer never comes: the guest is gone by then. On a busy machine the guest may not even hear it: said again.
  const order = '{"execute":"guest-shutdown","arguments":{"mode":"powerdown"}}';
  await until('the guest is off', async () => {
    await lab('host', host, 'virsh', 'qemu-agent-command', '--async', vm.uid, order).catch(() => '');
    return (await domainState(vm)) !== 'running';
  });
  const after = await until('the scheduler knows', async () => {
    const now = await laboratory.vm(vm.name);
    return now.state === 'VM_STATE_STOPPED' && now;
  });
  t.equal(after.desiredPowerState, 'POWER_STATE_STOPPED', 'it is journalled as what is desired');
  t.equal(await domainState(vm), 'shut off');
  const start = await laboratory.call(vms.startVm.bind(vms), { name: vm.name });
  t.equal((await laboratory.ended(start.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
  t.equal(await domainState(vm), 'running');
  await laboratory.clear();
});

t.test('twenty VMs of one call land on hosts by capacity, each once', async (t) => {
  const requests = Array.from({ length: 20 }, (_, index) => ({
    vmId: `many-${index + 1}`,
    vm: { spec: tiny },
  }));
  const answer = await laboratory.call(vms.batchCreateVms.bind(vms), { parent, requests });
  t.equal(answer.vms.length, 20);
  const ended = await laboratory.ended(answer.operation?.name ?? '');
  t.equal(ended.state, 'OPERATION_STATE_SUCCEEDED');
  t.equal(ended.succeededCount, 20);
  const domains = await laboratory.domains();
  t.same(
    domains.map(({ uuid }) => uuid).sort(),
    answer.vms.map(({ uid }) => uid).sort(),
    'each is defined once',
  );
  t.ok(
    domains.every(({ state }) => state === 'running'),
    'all run',
  );
  const { hosts } = await laboratory.call(laboratory.hosts.listHosts.bind(laboratory.hosts), {});
  for (const { name, claimed, capacity } of hosts) {
    const here = domains.filter(({ host }) => name === `hosts/${host}`).length;
    t.equal(claimed?.vms, here, `${name} claims what it runs`);
    t.ok((claimed?.memoryMib ?? 0) <= (capacity?.memoryMib ?? 0), `${name} is not over its memory`);
    t.ok((claimed?.vcpus ?? 0) <= (capacity?.vcpus ?? 0), `${name} is not over its vCPUs`);
  }
  const large = { ...tiny, memoryMib: 1_000_000 };
  await t.rejects(
    laboratory.once(vms.createVm.bind(vms), { parent, vmId: 'huge', vm: { spec: large } }),
    { code: 8 },
    'a VM that fits nowhere is refused',
  );
  await laboratory.clear();
});
