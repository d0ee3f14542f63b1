/**
 * VMs that stop with their host's lease, on real guests (PROTOCOL.md L2, F1): their host is cut off, or its agent dies and stays dead,
 * and they run on a neighbour exactly once, without a fence.
 */
import t from 'tap';
import { Laboratory, lab, other, processOf, site, tiny, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const stopping = {
  spec: { ...tiny, storagePool: `storagePools/${site}-shared` },
  policy: {
    onHostLoss: 'HOST_LOSS_POLICY_RESTART' as const,
    onLeaseLoss: 'LEASE_LOSS_POLICY_STOP' as const,
  },
  placement: { sites: [`sites/${site}`] },
};
const keeping = { ...stopping, policy: {} };

const isArmed = (name: string, armed: boolean) =>
  until(`the watchdog of ${name} is ${armed ? '' : 'not '}armed`, async () => {
    const { watchdog } = await laboratory.host(name);
    return watchdog?.armed === armed && watchdog;
  });

/** Another after each boot. */
const initOf = (name: string) => lab('host', name, 'exec', 'stat', '-c', '%Z', '/run/lab/ready');

t.test('the watchdog is armed while such a VM is there, and taken back when it is gone', async (t) => {
  const vm = await laboratory.running('armed', stopping);
  t.match(await isArmed(vm.host, true), { timeout: { seconds: 5 }, problem: '' });
  await until('its status says so', async () =>
    /watchdog +armed/.test(await laboratory.agentStatus(vm.host)),
  );
  await laboratory.clear();
  await isArmed(vm.host, false);
  t.equal((await lab('host', vm.host, 'power')).trim(), 'on');
});

t.test(
  'a host that is cut off stops it and lives on with the others, and it runs on the neighbour',
  async (t) => {
    const vm = await laboratory.running('cut', stopping);
    const kept = await laboratory.running('kept', { ...keeping, placement: { sites: [`sites/${site}`] } });
    await isArmed(vm.host, true);
    const target = other(vm.host);
    await lab('host', vm.host, 'cut');
    await laboratory.runsOn(vm.name, target);
    t.equal((await lab('host', vm.host, 'power')).trim(), 'on', 'nobody has powered it off');
    t.equal(await processOf(vm.host, vm.uid).catch(() => ''), '', 'and nothing of the VM runs there');
    if (kept.host === vm.host) t.match(await processOf(kept.host, kept.uid), /^\d+$/, 'what keeps runs on');
    t.match((await laboratory.host(vm.host)).watchdog?.stopProvenTime, { seconds: /\d+/ });
    await lab('host', vm.host, 'mend');
    await laboratory.hasNothingLeft(vm.host);
    t.equal((await laboratory.domains()).filter(({ uuid }) => uuid === vm.uid).length, 1, 'it lives once');
    await laboratory.clear();
  },
);

t.test('an agent that stays dead: the watchdog resets its host, and the VM runs again, once', async (t) => {
  const vm = await laboratory.running('dead', stopping);
  await isArmed(vm.host, true);
  t.match(await processOf(vm.host, vm.uid), /^\d+$/);
  const boot = await initOf(vm.host);
  await lab('host', vm.host, 'kill-agent', '--stay-down');
  // Whether its host is back before the VM restarts elsewhere is a matter of how fast it boots.
  await until('the host was reset', async () => {
    const now = await initOf(vm.host).catch(() => boot);
    return now !== boot;
  });
  await until('the VM runs again', async () => {
    const { host, state } = await laboratory.vm(vm.name);
    const running = (await laboratory.domains()).filter((domain) => domain.state === 'running');
    return state === 'VM_STATE_RUNNING' && running.length === 1 && `hosts/${running[0]?.host}` === host;
  });
  await laboratory.hasNothingLeft(vm.host);
  t.equal((await laboratory.domains()).filter(({ uuid }) => uuid === vm.uid).length, 1);
});
