/** Whom a host's libvirt and QEMU take running guests from: the hosts of its partner that are named, and nobody else. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { Laboratory, lab, neighbours, other, processOf, site, tiny } from './laboratory.js';
import { labDirectory } from './place.js';

const execute = promisify(execFile);
const script = fileURLToPath(new URL('../../../deploy/migration-pki', import.meta.url));
const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const [one = '', two = ''] = neighbours;
const far = 'skopje-1';
const authorityOf = (partner: string) => join(labDirectory, 'pki', partner);
const pkiOf = (host: string) => join(labDirectory, 'hosts', host, 'etc', 'pki');
const made = async (partner: string, host: string) => {
  await execute(script, ['host', authorityOf(partner), host]);
  return join(authorityOf(partner), host);
};

/** Asks one host's libvirt from another, with its own certificates or with those of a folder. */
async function asks(from: string, uri: string): Promise<string> {
  return lab('host', from, 'exec', 'virsh', '-q', '-c', uri, 'hostname').then(
    (answer) => answer.trim(),
    ({ stderr }: { stderr: string }) => stderr,
  );
}

t.test('a libvirt answers the neighbours that it names, and no other host', async (t) => {
  t.equal(await asks(two, `qemu+tls://${one}/system`), one);
  t.match(await asks(far, `qemu+tls://${one}/system`), /Failed to verify peer's certificate/);
  t.match(await asks(two, `qemu+tcp://${one}/system`), /unable to connect/);
  const folder = await made('adria', 'zagreb-9');
  const flat = join(labDirectory, 'pki', 'flat');
  mkdirSync(flat, { recursive: true });
  for (const file of ['CA/cacert.pem', 'libvirt/clientcert.pem', 'libvirt/private/clientkey.pem'])
    cpSync(join(folder, file), join(flat, file.slice(file.lastIndexOf('/') + 1)));
  const stranger = await asks(two, `qemu+tls://${one}/system?pkipath=${flat}`);
  t.match(stranger, /TLS confirmation/, 'of the same authority, and not on the list');
  rmSync(flat, { recursive: true });
  rmSync(folder, { recursive: true });
});

t.test('a guest is handed over only to a QEMU that the authority vouches for', async (t) => {
  const spec = { ...tiny, storagePool: `storagePools/${site}-shared` };
  const vm = await laboratory.running('guarded', { spec, placement: { sites: [`sites/${site}`] } });
  const target = other(vm.host);
  const process = await processOf(vm.host, vm.uid);
  const qemu = join(pkiOf(target), 'qemu');
  const foreign = await made('vardar', target);
  renameSync(qemu, `${qemu}.own`);
  cpSync(join(foreign, 'qemu'), qemu, { recursive: true });
  const failed = await laboratory.secovia('vm', 'migrate', vm.name, '--to', target, '--wait').then(
    () => '',
    ({ stderr }: { stderr: string }) => stderr,
  );
  t.match(failed, /it runs on .*certificate/, 'another authority vouches for the other host');
  t.match(await laboratory.vm(vm.name), { host: `hosts/${vm.host}`, state: 'VM_STATE_RUNNING', move: null });
  t.equal(await processOf(vm.host, vm.uid), process, 'it runs on as it did');
  rmSync(qemu, { recursive: true });
  renameSync(`${qemu}.own`, qemu);
  rmSync(foreign, { recursive: true });
  await laboratory.hasNothingLeft(target);
  await laboratory.secovia('vm', 'migrate', vm.name, '--to', target, '--wait');
  t.match(await laboratory.vm(vm.name), { host: `hosts/${target}`, state: 'VM_STATE_RUNNING' });
});
