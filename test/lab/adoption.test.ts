/**
 * A VM that was made after the backup that its federation was restored from: nobody knows it any more, and its guest runs on.
 * An operator gives it its record back, and the guest notices nothing.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { Laboratory, lab, processOf, tiny, until } from './laboratory.js';
import { labDirectory } from './place.js';

const execute = promisify(execFile);
const scheduler = fileURLToPath(new URL('../../scheduler/main.js', import.meta.url));
const data = join(labDirectory, 'scheduler', 'data');
const sites = ['zagreb', 'skopje'];
const backup = join(labDirectory, 'before.backup');
const folder = join(labDirectory, 'shared', 'forgotten');

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
  await rm(backup, { force: true });
  await rm(folder, { recursive: true, force: true });
});

/** The scheduler goes on from the backup, on all of its sites. */
async function restore(): Promise<void> {
  await lab('scheduler', 'stop');
  await rename(data, `${data}.lost`);
  await execute(process.execPath, [scheduler, 'restore', backup, '--data-dir', data]);
  await lab('scheduler', 'start');
  await rm(`${data}.lost`, { recursive: true });
}

const described = (host: string, uid: string) =>
  until(`${host} has described ${uid}`, async () =>
    (await laboratory.host(host)).orphanVms.find((orphan) => orphan.uid === uid),
  );

t.test('its guest runs on, and is adopted without ever having stopped', async (t) => {
  const known = await laboratory.running('known');
  await execute(process.execPath, [scheduler, 'backup', backup, '--data-dir', data, '--force']);
  const vm = await laboratory.running('forgotten');
  await laboratory.secovia('vm', 'resize', 'tests/forgotten', '--disk', '2GiB', '--wait');
  const guest = await processOf(vm.host, vm.uid);
  await restore();
  await laboratory.allReady();
  const adoption = ['host', 'adopt-orphan', vm.host, '--orphan', vm.uid, '--name', 'tests/found', '--wait'];
  await t.rejects(laboratory.secovia(...adoption), { message: /is in recovery/ });
  for (const site of sites) await laboratory.secovia('federation', 'end-recovery', site);

  const orphan = await described(vm.host, vm.uid);
  t.match(orphan, {
    kind: 'ORPHAN_KIND_DOMAIN',
    vmName: vm.name,
    running: true,
    resources: { vcpus: 1, memoryMib: 128, diskMib: 2048 },
    imageDigest: /^sha256:[0-9a-f]{64}$/,
    problem: '',
  });
  t.match(await laboratory.secovia('host', 'show', vm.host), /runs, was tests\/forgotten, 1 vCPUs/);
  t.match(await laboratory.secovia(...adoption), /^tests\/found is RUNNING on /);
  const adopted = await laboratory.vm('administrations/tests/vms/found');
  t.match(adopted, { uid: vm.uid, host: `hosts/${vm.host}`, state: 'VM_STATE_RUNNING' });
  t.match(adopted.spec, { vcpus: 1, memoryMib: 128, diskMib: 2048, image: 'images/tiny' });
  t.equal(await processOf(vm.host, vm.uid), guest, 'it is the very same guest');
  await until('it is no orphan any more', async () => (await laboratory.host(vm.host)).orphans.length === 0);
  await laboratory.secovia('quota', 'verify');

  // From now on it obeys as any VM.
  await laboratory.secovia('vm', 'stop', 'tests/found', '--force', '--wait');
  await laboratory.secovia('vm', 'start', 'tests/found', '--wait');
  t.not(await processOf(vm.host, vm.uid), guest);
  t.equal((await laboratory.vm(known.name)).state, 'VM_STATE_RUNNING');
});

t.test('the disk that its host has when its domain is gone becomes a VM that is off', async (t) => {
  await execute(process.execPath, [scheduler, 'backup', backup, '--data-dir', data, '--force']);
  const vm = await laboratory.running('disk');
  await restore();
  await laboratory.allReady();
  await until('its domain is gone', async () => {
    // The agent may start it again between the two.
    await lab('host', vm.host, 'virsh', 'destroy', vm.uid).catch(() => '');
    await lab('host', vm.host, 'virsh', 'undefine', vm.uid).catch(() => '');
    return (await laboratory.domainsOf(vm.host)).every(({ uuid }) => uuid !== vm.uid);
  });
  for (const site of sites) await laboratory.secovia('federation', 'end-recovery', site);
  await until('the disk is told of', async () => {
    const orphan = (await laboratory.host(vm.host)).orphanVms.find(({ uid }) => uid === vm.uid);
    return orphan?.kind === 'ORPHAN_KIND_DISK';
  });
  const adoption = ['host', 'adopt-orphan', vm.host, '--orphan', vm.uid, '--name', 'tests/off', '--wait'];
  t.match(await laboratory.secovia(...adoption), /^tests\/off is STOPPED on /);
  await laboratory.secovia('vm', 'start', 'tests/off', '--wait');
  t.match(await processOf(vm.host, vm.uid), /^\d+$/, 'and boots from it');
});

t.test('with what nobody needs goes its disk in a shared pool, to the trash', async (t) => {
  await laboratory.clear();
  await mkdir(folder, { recursive: true });
  const hosts = ['zagreb-1', 'zagreb-2'].flatMap((name) => ['--host', name]);
  const pool = ['--site', 'zagreb', '--path', folder, ...hosts, '--capacity', '16GiB'];
  await laboratory.secovia('pool', 'create', 'forgotten', ...pool);
  await execute(process.execPath, [scheduler, 'backup', backup, '--data-dir', data, '--force']);
  const vm = await laboratory.running('needless', {
    spec: { ...tiny, storagePool: 'storagePools/forgotten' },
  });
  await restore();
  await laboratory.allReady();
  for (const site of sites) await laboratory.secovia('federation', 'end-recovery', site);
  t.match(await described(vm.host, vm.uid), { running: true, storagePoolPath: folder });
  await laboratory.secovia('host', 'remove-orphan', vm.host, '--orphan', vm.uid, '--yes');
  await until('it is gone', async () => (await laboratory.host(vm.host)).leftoverVms === 0);
  t.equal((await laboratory.domains()).length, 0);
  t.match(await readdir(join(folder, 'trash')), [new RegExp(`^${vm.uid}\\.\\d+-\\d+\\.qcow2$`)]);
  await laboratory.secovia('pool', 'delete', 'forgotten');
});
