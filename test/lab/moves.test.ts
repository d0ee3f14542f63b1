/** VMs move between real hosts, running or not, and hosts are drained; whatever fails meanwhile, one copy runs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Laboratory, lab, neighbours, other, processOf, site, tiny, until } from './laboratory.js';
import { labDirectory } from './place.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  for (const name of neighbours) {
    await lab('host', name, 'mend').catch(() => undefined);
    await laboratory.secovia('host', 'undrain', name).catch(() => undefined);
  }
  await laboratory.clear();
  laboratory.close();
});

const onPool = {
  spec: { ...tiny, storagePool: `storagePools/${site}-shared` },
  placement: { sites: [`sites/${site}`] },
};

const consoleOf = (host: string, uid: string) =>
  join(labDirectory, 'hosts', host, 'secovia', 'console', `${uid}.log`);

/** How often the guest has booted and ticked, by the consoles of both hosts. */
function witness(uid: string): { boots: number; ticks: number } {
  const text = neighbours
    .map((host) => consoleOf(host, uid))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  return {
    boots: text.match(/SECOVIA-GUEST-READY/g)?.length ?? 0,
    ticks: text.match(/^tick \d+/gm)?.length ?? 0,
  };
}

async function goesOn(uid: string): Promise<void> {
  const { ticks } = witness(uid);
  await until('the guest goes on', async () => witness(uid).ticks > ticks + 1);
}

const only = async (uid: string) => (await laboratory.domains()).filter(({ uuid }) => uuid === uid);

t.test('a guest is handed over while it runs, and back, and never boots again', async (t) => {
  const vm = await laboratory.running('walks', onPool);
  const target = other(vm.host);
  await until('the guest ticks', async () => witness(vm.uid).ticks > 0);
  await laboratory.secovia('vm', 'migrate', vm.name, '--to', target, '--wait');
  t.match(await laboratory.vm(vm.name), {
    host: `hosts/${target}`,
    state: 'VM_STATE_RUNNING',
    move: null,
    operation: '',
  });
  t.same(await only(vm.uid), [{ host: target, uuid: vm.uid, state: 'running' }]);
  const { term } = await laboratory.vm(vm.name);
  t.ok(term > 1, 'under a new term');
  await goesOn(vm.uid);
  await laboratory.secovia('vm', 'migrate', vm.name, '--wait');
  const back = await laboratory.vm(vm.name);
  t.equal(back.host, `hosts/${vm.host}`);
  t.ok(back.term > term, 'and back under another');
  await goesOn(vm.uid);
  t.equal(witness(vm.uid).boots, 1, 'it has booted once');
  t.equal((await laboratory.host(target)).claimed?.vms, 0, 'nothing of it is claimed where it was');
  await laboratory.clear();
});

t.test('a cold move stops the guest, and starts it from the same disk', async (t) => {
  const vm = await laboratory.running('sleeps', onPool);
  const target = other(vm.host);
  await laboratory.secovia('vm', 'migrate', vm.name, '--to', target, '--cold', '--grace', '5s', '--wait');
  const moved = await laboratory.vm(vm.name);
  t.match(moved, { host: `hosts/${target}`, state: 'VM_STATE_RUNNING' });
  t.ok(moved.term > 1, 'under a new term');
  t.same(await only(vm.uid), [{ host: target, uuid: vm.uid, state: 'running' }]);
  t.match(await processOf(target, vm.uid), /^\d+$/);
  await laboratory.secovia('vm', 'stop', vm.name, '--force', '--wait');
  await laboratory.secovia('vm', 'migrate', vm.name, '--wait');
  t.match(await laboratory.vm(vm.name), { host: `hosts/${vm.host}`, state: 'VM_STATE_STOPPED' });
  t.same(await only(vm.uid), [{ host: vm.host, uuid: vm.uid, state: 'shut off' }]);
  await laboratory.clear();
});

t.test('the cable of the other host is pulled in the middle: one copy runs, here or there', async (t) => {
  const vm = await laboratory.running('stays', onPool);
  const target = other(vm.host);
  const process = await processOf(vm.host, vm.uid);
  const status = await until('its agent answers', async () => {
    const said = await laboratory.agentStatus(vm.host);
    return said.includes('libvirt') && said;
  });
  t.notMatch(status, /tcp_retries2/, 'its host gives a silent one up in time');
  // The move begins while the other host still gets ready, or is cut off in the middle of it, or when the guest has just
  // gone over: all are to end well.
  await laboratory.secovia('vm', 'migrate', vm.name, '--to', target);
  await lab('host', target, 'cut');
  const hasGoneOver = async () =>
    (await laboratory.domainsOf(target)).some(({ uuid, state }) => uuid === vm.uid && state === 'running');
  await until(
    'the move has ended, or only the other host can say how',
    async () => (await laboratory.vm(vm.name)).operation === '' || (await hasGoneOver()),
    120_000,
  );
  await lab('host', target, 'mend');
  const ended = await until('the VM is settled', async () => {
    const now = await laboratory.vm(vm.name);
    return now.move === null && now.operation === '' && now.state === 'VM_STATE_RUNNING' && now;
  });
  const copies = await until('no other copy is left', async () => {
    const found = await only(vm.uid);
    return found.length === 1 && found;
  });
  t.same(copies, [{ host: ended.host.slice('hosts/'.length), uuid: vm.uid, state: 'running' }]);
  if (ended.host === `hosts/${vm.host}`) {
    t.equal(await processOf(vm.host, vm.uid), process, 'it never stopped');
    await laboratory.hasNothingLeft(target);
  }
  await laboratory.clear();
});

t.test("the source's agent is killed in the middle: the move ends in one running copy", async (t) => {
  const vm = await laboratory.running('orphaned', onPool);
  const target = other(vm.host);
  await laboratory.secovia('vm', 'migrate', vm.name, '--to', target);
  await lab('host', vm.host, 'kill-agent');
  const ended = await until(
    'the VM is settled',
    async () => {
      const now = await laboratory.vm(vm.name);
      return now.move === null && now.operation === '' && now.state === 'VM_STATE_RUNNING' && now;
    },
    120_000,
  );
  const running = await only(vm.uid);
  t.same(running, [{ host: ended.host.slice('hosts/'.length), uuid: vm.uid, state: 'running' }]);
  await laboratory.clear();
});

t.test('a drained host is empty but for what cannot leave it, and says what that is', async (t) => {
  const walks = await laboratory.running('walks', onPool);
  const from = walks.host;
  const placement = { sites: [`sites/${site}`], excludedHosts: [`hosts/${other(from)}`] };
  const stays = await laboratory.running('stays', { placement });
  const refused = await laboratory.secovia('host', 'drain', from, '--wait').then(
    () => null,
    (error: { code: number; stderr: string; stdout: string }) => error,
  );
  t.equal(refused?.code, 6);
  t.match(`${refused?.stderr}${refused?.stdout}`, /stays.*DISK_THERE|DISK_THERE.*stays|its only disk is on/s);
  t.match(await laboratory.vm(walks.name), { host: `hosts/${other(from)}`, state: 'VM_STATE_RUNNING' });
  const host = await laboratory.host(from);
  t.match(host, { cordoned: true, drain: { state: 'HOST_DRAIN_STATE_ACTIVE' } });
  await laboratory.secovia('vm', 'delete', stays.name, '--yes', '--wait');
  await laboratory.secovia('host', 'undrain', from);
  t.match(await laboratory.host(from), { cordoned: false, drain: null });
  await laboratory.clear();
});

t.test('a host with VMs on a shared pool is drained to the last of them while they run', async (t) => {
  const first = await laboratory.running('first', onPool);
  const from = first.host;
  const vms = [first];
  for (const name of ['second', 'third']) {
    const vm = await laboratory.running(name, onPool);
    if (vm.host === from) vms.push(vm);
  }
  await laboratory.secovia('host', 'drain', from, '--wait');
  for (const { name } of vms) {
    t.match(await laboratory.vm(name), { host: `hosts/${other(from)}`, state: 'VM_STATE_RUNNING' });
  }
  t.match(await laboratory.host(from), { drain: { state: 'HOST_DRAIN_STATE_DRAINED', vmsLeft: 0 } });
  for (const { uid } of vms) t.equal(witness(uid).boots <= 1, true, 'none has booted again');
  await laboratory.secovia('host', 'undrain', from);
});
