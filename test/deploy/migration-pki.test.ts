/** The certificates with which hosts hand running VMs over, made by the script that operators use. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const execute = promisify(execFile);
const script = fileURLToPath(new URL('../../../deploy/migration-pki', import.meta.url));
const run = (...args: string[]) => execute(script, args).then(({ stdout }) => stdout);
const fails = (...args: string[]) =>
  execute(script, args).then(
    () => null,
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
const certificate = (path: string) => new X509Certificate(readFileSync(path));
const keyOf = ({ publicKey }: X509Certificate) =>
  publicKey.export({ format: 'der', type: 'spki' }).toString('hex');

t.test('a host has one certificate for both of its roles, from the authority of its partner', async (t) => {
  const folder = t.testdir();
  t.match(await run('authority', folder, 'adria'), /where no host is/);
  t.match(await run('host', folder, 'zg-01.dc.example'), /O=adria,CN=zg-01\.dc\.example/);
  const host = join(folder, 'zg-01.dc.example');
  const authority = certificate(join(folder, 'ca-cert.pem'));
  const roles = [
    ['libvirt/servercert.pem', 'libvirt/private/serverkey.pem'],
    ['libvirt/clientcert.pem', 'libvirt/private/clientkey.pem'],
    ['qemu/server-cert.pem', 'qemu/server-key.pem'],
    ['qemu/client-cert.pem', 'qemu/client-key.pem'],
  ] as const;
  for (const [cert, key] of roles) {
    const made = certificate(join(host, cert));
    t.ok(made.checkIssued(authority) && made.verify(authority.publicKey), cert);
    t.equal(made.checkHost('zg-01.dc.example'), 'zg-01.dc.example');
    t.equal(made.checkHost('zg-02.dc.example'), undefined);
    t.notOk(made.ca);
    t.same(made.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    t.equal(statSync(join(host, key)).mode & 0o777, 0o600);
  }
  for (const copy of ['CA/cacert.pem', 'qemu/ca-cert.pem'])
    t.equal(certificate(join(host, copy)).fingerprint256, authority.fingerprint256);
  t.equal(statSync(join(folder, 'ca-key.pem')).mode & 0o777, 0o600);
  t.same(readdirSync(folder).sort(), ['ca-cert.pem', 'ca-key.pem', 'partner', 'zg-01.dc.example']);
});

t.test('a host by its address, and once more with new keys', async (t) => {
  const folder = t.testdir();
  await run('authority', folder, 'adria');
  await run('host', folder, '10.0.0.7');
  const path = join(folder, '10.0.0.7', 'qemu', 'server-cert.pem');
  const first = certificate(path);
  t.equal(first.checkIP('10.0.0.7'), '10.0.0.7');
  await run('host', folder, '10.0.0.7');
  t.not(keyOf(certificate(path)), keyOf(first));
  t.not(certificate(path).serialNumber, first.serialNumber);
});

t.test('what it cannot do it says in a sentence, and it leaves nothing behind', async (t) => {
  const folder = t.testdir();
  t.match(await fails('host', folder, 'zg-01'), {
    code: 1,
    stderr: /no authority in .*authority .* PARTNER/,
  });
  for (const name of ['', 'a/../b', 'a b', '-x', 'a,O=other', 'a\nb'])
    t.match(
      await fails('host', folder, name),
      { code: 2, stderr: /must be of letters/ },
      JSON.stringify(name),
    );
  t.match(await fails('authority', folder, 'a/CN=b'), { code: 2 });
  t.match(await fails('host', folder), { code: 2, stderr: /usage: deploy\/migration-pki authority/ });
  t.match(await fails('remove', folder, 'a'), { code: 2, stderr: /usage/ });
  t.same(readdirSync(folder), []);
  await run('authority', folder, 'adria');
  const before = readFileSync(join(folder, 'ca-key.pem'));
  t.match(await fails('authority', folder, 'adria'), { code: 1, stderr: /there is an authority/ });
  t.ok(before.equals(readFileSync(join(folder, 'ca-key.pem'))));
  t.notOk(existsSync(join(folder, 'ca-key.pem.new')));
});
