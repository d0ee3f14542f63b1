/** What an operator sees, and what guests feel, when a host's libvirt hangs, its cable is pulled or its power fails. */
import t from 'tap';
import { Laboratory, lab, processOf, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const { vms, hosts } = laboratory;

async function hostState(name: string): Promise<string> {
  const { host } = await laboratory.call(hosts.getHost.bind(hosts), { name: `hosts/${name}` });
  return host?.state ?? '';
}

t.test(
  'while libvirtd hangs the host is suspect, its VMs unknown, and status answers; then all is well',
  async (t) => {
    const vm = await laboratory.running('hang');
    const before = await processOf(vm.host, vm.uid);
    await lab('host', vm.host, 'freeze-libvirtd');
    await until('the host is suspect', async () => (await hostState(vm.host)) === 'HOST_STATE_SUSPECT');
    const unknown = await laboratory.vm(vm.name);
    t.equal(unknown.state, 'VM_STATE_UNKNOWN');
    await until('the agent says that libvirt is away', async () => {
      const status = JSON.parse(await laboratory.agentStatus(vm.host, '--json')) as {
        libvirt?: { available: boolean };
      };
      return status.libvirt?.available === false;
    });
    await lab('host', vm.host, 'thaw-libvirtd');
    await until('the host is ready', async () => (await hostState(vm.host)) === 'HOST_STATE_READY');
    await until(
      'the VM is seen running',
      async () => (await laboratory.vm(vm.name)).state === 'VM_STATE_RUNNING',
    );
    t.equal(await processOf(vm.host, vm.uid), before, 'the guest has run through it all');
    await laboratory.clear();
  },
);

t.test(
  'a cut cable makes the host suspect and then lost; guests run on, and nothing starts elsewhere',
  async (t) => {
    const vm = await laboratory.running('cut');
    const before = await processOf(vm.host, vm.uid);
    await lab('host', vm.host, 'cut');
    await until('the host is lost', async () => (await hostState(vm.host)) === 'HOST_STATE_LOST');
    t.equal((await laboratory.vm(vm.name)).state, 'VM_STATE_UNKNOWN');
    t.equal((await laboratory.vm(vm.name)).term, 1, 'no other host was given it');
    await lab('host', vm.host, 'mend');
    await until('the host is ready', async () => (await hostState(vm.host)) === 'HOST_STATE_READY');
    await until(
      'the VM is seen running',
      async () => (await laboratory.vm(vm.name)).state === 'VM_STATE_RUNNING',
    );
    t.equal(await processOf(vm.host, vm.uid), before, 'it is the same process');
    await laboratory.clear();
  },
);

t.test('after a power failure the host comes back and starts its VMs again, once', async (t) => {
  const vm = await laboratory.running('power');
  await lab('host', vm.host, 'power-off');
  await until('the host is not ready', async () => (await hostState(vm.host)) !== 'HOST_STATE_READY');
  await lab('host', vm.host, 'power-on');
  await until('the host is ready', async () => (await hostState(vm.host)) === 'HOST_STATE_READY');
  await until(
    'the VM is seen running',
    async () => (await laboratory.vm(vm.name)).state === 'VM_STATE_RUNNING',
  );
  const domains = await laboratory.domains();
  t.same(domains, [{ host: vm.host, uuid: vm.uid, state: 'running' }], 'once, where it was');
  t.equal((await laboratory.vm(vm.name)).term, 1, 'under the same term');
  await laboratory.clear();
});

t.test('a QEMU process that is killed is started again', async (t) => {
  const vm = await laboratory.running('qemu');
  const before = await processOf(vm.host, vm.uid);
  await lab('host', vm.host, 'exec', 'kill', '-9', ...before.split('\n'));
  const after = await until('another process runs', async () => {
    const now = await processOf(vm.host, vm.uid).catch(() => '');
    return now !== '' && now !== before && now;
  });
  t.not(after, before);
  await until(
    'the VM is seen running',
    async () => (await laboratory.vm(vm.name)).state === 'VM_STATE_RUNNING',
  );
  await laboratory.clear();
});

t.test('a start that libvirtd was killed in the middle of is begun anew when libvirtd is back', async (t) => {
  const vm = await laboratory.running('midstart');
  const qemu = await processOf(vm.host, vm.uid);
  const note = (await lab('host', vm.host, 'exec', 'grep', '-l', vm.uid, '-r', '/run/libvirt/qemu')).trim();
  await lab('host', vm.host, 'kill-libvirtd', '--stay-down');
  await lab('host', vm.host, 'exec', 'kill', '-9', ...qemu.split('\n'));
  // What libvirtd writes down before it has a process for a domain, and would find again.
  const unstarted = `s|^<domstatus .*|<domstatus state='paused' reason='starting up' pid='0'>|`;
  const starting = `s|<job type='none'.*|<job type='none' async='start' flags='0x0' asyncStarted='1'/>|`;
  await lab('host', vm.host, 'exec', 'sed', '-i', '-e', unstarted, '-e', starting, note);
  t.match(await lab('host', vm.host, 'exec', 'head', '-n', '20', note), /starting up.*pid='0'/);
  await lab('host', vm.host, 'start-libvirtd');
  await laboratory.allReady();
  const again = await until('another process runs', () => processOf(vm.host, vm.uid).catch(() => ''));
  t.not(again, qemu);
  await until(
    'the VM is seen running',
    async () => (await laboratory.vm(vm.name)).state === 'VM_STATE_RUNNING',
  );
  t.same(
    await laboratory.domains(),
    [{ host: vm.host, uuid: vm.uid, state: 'running' }],
    'once, where it was',
  );
  await laboratory.clear();
});

t.test('a foreign domain is counted and never touched', async (t) => {
  const host = laboratory.hostNames[0] ?? '';
  const xml = `<domain type="qemu"><name>foreign</name><memory unit="MiB">64</memory><os><type arch="x86_64">hvm</type></os></domain>`;
  await lab(
    'host',
    host,
    'exec',
    'sh',
    '-c',
    `echo '${xml}' > /tmp/foreign.xml && virsh define /tmp/foreign.xml`,
  );
  await until('it is counted', async () => {
    const { host: seen } = await laboratory.call(hosts.getHost.bind(hosts), { name: `hosts/${host}` });
    return seen?.foreignDomains === 1;
  });
  await lab('host', host, 'kill-agent');
  await laboratory.allReady();
  t.match(await lab('host', host, 'virsh', '-q', 'list', '--all', '--name'), /foreign/, 'it is still there');
  await lab('host', host, 'virsh', 'undefine', 'foreign');
});

t.test(
  'a domain that vanished is reported missing, and made again only when it is told to start',
  async (t) => {
    const vm = await laboratory.running('missing');
    await lab('host', vm.host, 'virsh', 'destroy', vm.uid);
    await lab('host', vm.host, 'virsh', 'undefine', vm.uid).catch(() => '');
    const seen = await until('a verdict', async () => {
      const now = await laboratory.vm(vm.name);
      // The agent may have started it again between the two orders; then it is taken away once more.
      if (now.state === 'VM_STATE_MISSING') return now;
      await lab('host', vm.host, 'virsh', 'destroy', vm.uid).catch(() => '');
      await lab('host', vm.host, 'virsh', 'undefine', vm.uid).catch(() => '');
      return null;
    });
    t.equal(seen.term, 1);
    t.same(await laboratory.domainsOf(vm.host), [], 'it is not made again on its own');
    const start = await laboratory.call(vms.startVm.bind(vms), { name: vm.name });
    t.equal((await laboratory.ended(start.operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED');
    t.ok((await laboratory.vm(vm.name)).term > 1, 'under a new term');
    await laboratory.clear();
  },
);
