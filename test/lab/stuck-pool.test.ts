/**
 * The server of a shared pool hangs: here a file system of its own that is frozen. VMs that have their disks there wait, and
 * nobody else on their host does; an agent that is killed meanwhile has no successor before its calls are over; and when the
 * pool is back everything comes to rest by itself. So it does with a pool that is not mounted for a while.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { Operation__Output } from '../../proto/gen/secovia/v1/Operation.js';
import { askStatus } from '../../agent/status/client.js';
import { Laboratory, lab, parent, processOf, tiny, until } from './laboratory.js';
import { labDirectory } from './place.js';

const execute = promisify(execFile);
const root = async (command: string, ...args: string[]) => (await execute(command, args)).stdout.trim();

const host = 'zagreb-1';
const onHost = (...command: string[]) => lab('host', host, 'exec', ...command);
const path = join(labDirectory, 'shared', 'frozen');
/** What a process has that has asked for no other number. */
const nodesThreads = 4;
/** More than that, and more than have room in the pool at a time. */
const many = 6;

/** Its folder is always the same, so that a run that was killed leaves nothing that the next one does not find. */
const place = `${labDirectory}-frozen`;
const file = join(place, 'disk');
const seen = join(place, 'seen');

const freeze = () => root('fsfreeze', '--freeze', seen);
const thaw = () => root('fsfreeze', '--unfreeze', seen);

async function removePool(): Promise<void> {
  const devices = await root('losetup', '--noheadings', '--output', 'NAME', '--associated', file).catch(
    () => '',
  );
  for (const device of devices.split('\n').filter(Boolean)) {
    await thaw().catch(() => undefined);
    await onHost('umount', path).catch(() => undefined);
    await root('umount', seen).catch(() => undefined);
    await root('losetup', '--detach', device.trim());
  }
  rmSync(place, { recursive: true, force: true });
}

/** Mounts it for the host, and for this test, which can freeze and see it whatever becomes of the host. */
async function makePool(): Promise<void> {
  for (const folder of [seen, path]) mkdirSync(folder, { recursive: true });
  await root('truncate', '--size=1G', file);
  await root('mkfs.ext4', '-q', file);
  const device = await root('losetup', '--find', '--show', file);
  await root('mount', device, seen);
  await onHost('mount', device, path);
  await laboratory.secovia(
    ...[
      'pool',
      'create',
      'frozen',
      '--site',
      'zagreb',
      '--path',
      path,
      '--host',
      host,
      '--capacity',
      '64GiB',
    ],
  );
}

/** However this process ends, nothing on the machine stays frozen: then the guard's input ends. */
const guard = spawn('sh', ['-c', `cat >/dev/null; exec fsfreeze --unfreeze "$0"`, seen], {
  stdio: ['pipe', 'ignore', 'ignore'],
  detached: true,
});

await removePool();
const laboratory = await Laboratory.up();
await laboratory.clear();
const { vms } = laboratory;

t.teardown(async () => {
  await thaw().catch(() => undefined);
  try {
    await laboratory.clear();
    await laboratory.secovia('pool', 'delete', 'frozen');
  } finally {
    await removePool();
    guard.stdin.end();
    laboratory.close();
  }
});

const inPool = { spec: { ...tiny, storagePool: 'storagePools/frozen' } };
const off = { desiredPowerState: 'POWER_STATE_STOPPED' as const };
/** On the same host, and its disk is the host's own. */
const local = {
  spec: tiny,
  placement: {
    excludedHosts: laboratory.hostNames.filter((name) => name !== host).map((name) => `hosts/${name}`),
  },
};
const volumes = () => readdirSync(seen).filter((file) => file.endsWith('.qcow2'));
const trashed = () => readdirSync(join(seen, 'trash'));

const agentFolder = join(labDirectory, 'hosts', host, 'run', 'lab', 'agent');
const agentPid = () => readFileSync(join(agentFolder, 'pid'), 'utf8').trim();

/** How many threads of the agent no signal reaches, since they wait for a file system. */
const threadsThatHang = async (pid: string) =>
  (await onHost('sh', '-c', `cat /proc/${pid}/task/*/stat`)).split('\n').filter((line) => /\) D /.test(line))
    .length;

/** What the agent says of itself; it has less than a second, as `secovia-agent status` gives it. */
async function status(): Promise<string> {
  const answer = await askStatus(join(labDirectory, 'hosts', host, 'run', 'secovia', 'agent.sock'));
  return answer.kind === 'status' ? JSON.stringify(answer.status) : '';
}

async function succeeds(t: Test, what: string, { operation }: { operation: Operation__Output | null }) {
  t.equal((await laboratory.ended(operation?.name ?? '')).state, 'OPERATION_STATE_SUCCEEDED', what);
}

await makePool();

t.test(
  'a pool that hangs holds up its own VMs and nobody else, and all is well when it is back',
  async (t) => {
    const old = await Promise.all(
      Array.from({ length: many }, (_, number) => laboratory.running(`old-${number}`, { ...inPool, ...off })),
    );
    t.ok(old.every((vm) => vm.host === host));
    const stays = await laboratory.running('stays', local);
    const process = await processOf(host, stays.uid);

    await freeze();
    const removals = await Promise.all(
      old.map(({ name }) => laboratory.call(vms.deleteVm.bind(vms), { name })),
    );
    const created = await Promise.all(
      Array.from({ length: many }, (_, number) =>
        laboratory.call(vms.createVm.bind(vms), { parent, vmId: `new-${number}`, vm: inPool }),
      ),
    );
    await until('file calls hang', async () => (await threadsThatHang(agentPid())) >= nodesThreads);

    const lives = await laboratory.running('lives', local);
    t.ok(await processOf(host, lives.uid), 'one whose disk is the host’s own is created and runs');
    await until('the agent says how it is', async () => (await status()).includes('"available":true'));
    const stop = await laboratory.call(vms.stopVm.bind(vms), { name: lives.name, mode: 'STOP_MODE_FORCE' });
    await succeeds(t, 'it stops', stop);
    await succeeds(t, 'it is deleted', await laboratory.call(vms.deleteVm.bind(vms), { name: lives.name }));
    await until('it is said which pool the others wait for', async () =>
      (await status()).includes(`waits for the shared pool ${path}`),
    );
    t.equal(volumes().length, many, 'nothing has happened in the pool');
    t.notOk((await laboratory.allVms()).some(({ name }) => name === lives.name));

    const pid = agentPid();
    await lab('host', host, 'kill-agent');
    const second = await onHost(
      'secovia-agent',
      'run',
      '--config',
      join(labDirectory, 'hosts', host, 'agent.yaml'),
    ).catch((error: { stderr: string }) => error.stderr);
    t.match(second, /another secovia-agent is using/, 'a dead agent has no successor while its calls hang');
    t.ok((await threadsThatHang(pid)) > 0);
    t.equal(agentPid(), pid);
    t.equal(await processOf(host, stays.uid), process, 'guests run on');

    await thaw();
    await until('another agent has taken over', async () => agentPid() !== pid && (await status()) !== '');
    await laboratory.allReady();
    for (const removal of removals) await succeeds(t, 'what was to be deleted is', removal);
    for (const creation of created) await succeeds(t, 'what was to be created is', creation);
    const newUids = created.map(({ vm }) => vm?.uid ?? '');
    const domains = await laboratory.domains();
    t.same(
      domains.map(({ uuid, host, state }) => `${uuid} ${host} ${state}`).sort(),
      [...newUids, stays.uid].map((uid) => `${uid} ${host} running`).sort(),
      'what was deleted is gone, and what was created runs, once',
    );
    for (const uid of newUids) t.match(await processOf(host, uid), /^\d+$/, 'as one process');
    t.equal(await processOf(host, stays.uid), process, 'and the other has noticed nothing');
    t.same(volumes().sort(), newUids.map((uid) => `${uid}.qcow2`).sort());
    t.same(
      trashed()
        .map((file) => file.slice(0, 36))
        .sort(),
      old.map(({ uid }) => uid).sort(),
      'the disks of what was deleted are in the trash',
    );
    t.same(
      readdirSync(seen).filter((file) => file.endsWith('.partial')),
      [],
      'and nothing is half made',
    );
  },
);

t.test(
  'in the mount point of a pool nothing is made and nothing deleted, and all is done when it is mounted',
  async (t) => {
    await laboratory.clear();
    const leaves = await laboratory.running('leaves', { ...inPool, ...off });
    const device = await onHost('findmnt', '--noheadings', '--output', 'SOURCE', path);
    await onHost('umount', path);
    // As systemd does with folders that a service may write to: it looks like a mount, and is none.
    await onHost('mount', '--bind', path, path);
    const removal = await laboratory.call(vms.deleteVm.bind(vms), { name: leaves.name });
    const creation = await laboratory.call(vms.createVm.bind(vms), { parent, vmId: 'comes', vm: inPool });
    await until('the agent says why', async () => {
      const said = await status();
      return said.includes(`the shared pool ${path} was on the file system at ${path}`) && said;
    });
    // This process sees what the mount covers on the host.
    t.same(readdirSync(path), []);
    t.ok(volumes().includes(`${leaves.uid}.qcow2`));
    t.ok((await laboratory.allVms()).some(({ name }) => name === leaves.name));

    await lab('host', host, 'kill-agent');
    await laboratory.allReady();
    await onHost('umount', path);
    await onHost('mount', device.trim(), path);
    await succeeds(t, 'what was to be deleted is', removal);
    await succeeds(t, 'what was to be created is', creation);
    t.same(volumes(), [`${creation.vm?.uid}.qcow2`]);
    t.ok(trashed().some((file) => file.startsWith(leaves.uid)));
    t.same(readdirSync(path), []);
  },
);
