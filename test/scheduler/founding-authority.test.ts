import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readCredentials, secureChannel } from '../../proto/credentials.js';
import { openAuthority } from '../../scheduler/trust/authority-folder.js';
import { makeRoot } from '../../scheduler/trust/certificates.js';
import { Api } from './api/client.js';
import { SchedulerProcess } from './api/scheduler-process.js';
import { foundHere, init } from './api/secure-scheduler.js';
import { runProgram } from './run-program.js';
import { temporaryFolder } from './scope.js';
import { intermediate } from './trust/intermediate.js';

test('an intermediate of somebody else’s authority signs as well', async (t) => {
  const folder = temporaryFolder(t);
  const { chain, key, root } = await intermediate('lab');
  writeFileSync(join(folder, 'chain.pem'), `${chain}${root}`);
  writeFileSync(join(folder, 'key.pem'), key);
  const given = [
    '--authority-certificate',
    join(folder, 'chain.pem'),
    '--authority-key',
    join(folder, 'key.pem'),
  ];
  const dataDir = join(folder, 'data');
  t.match(init(dataDir, join(folder, 'root'), given), { status: 0 });
  const credentials = readCredentials(join(folder, 'root'));
  t.equal(credentials.authority, root);
  t.match(credentials.chain, /END CERTIFICATE[\s\S]*BEGIN CERTIFICATE/, 'with the intermediate');
  const scheduler = await SchedulerProcess.start(t, { dataDir, secure: true });
  const api = new Api(scheduler.address, { secure: secureChannel(credentials) });
  t.teardown(() => api.close());
  t.match(await api.call('GetFederation', {}), { federation: { title: 'lab' } });
});

test('an authority that cannot be one is refused, and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t);
  const { chain, key, root } = await intermediate('lab');
  const other = await makeRoot('lab', Date.now());
  const rsa = '-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n';
  for (const [certificates, secret, words] of [
    [root + chain, key, /was not signed by the certificate after it/],
    [chain, key, /was not signed by/],
    [chain + root, other.key, /the key is not that of the certificate/],
    [chain + root, rsa, /the key cannot be read/],
    ['', key, /there is no certificate in it/],
  ] as const) {
    writeFileSync(join(folder, 'chain.pem'), certificates);
    writeFileSync(join(folder, 'key.pem'), secret);
    const given = { certificates: join(folder, 'chain.pem'), key: join(folder, 'key.pem') };
    await t.rejects(foundHere(join(folder, 'data'), join(folder, 'root'), given), { message: words });
  }
  const files = [
    '--authority-certificate',
    join(folder, 'chain.pem'),
    '--authority-key',
    join(folder, 'key.pem'),
  ];
  const result = init(join(folder, 'data'), join(folder, 'root'), files);
  t.match(result, {
    status: 1,
    stderr: /^secovia-scheduler: the authority of .* cannot be used: there is no/,
  });
  t.notMatch(result.stderr, /\n {4}at /, 'no stack');
  t.notOk(existsSync(join(folder, 'data')) || existsSync(join(folder, 'root')));
  const half = init(join(folder, 'data'), join(folder, 'root'), ['--authority-key', join(folder, 'key.pem')]);
  t.match(half, { status: 2, stderr: /belong together/ });
  t.match(init(join(folder, 'data'), join(folder, 'root'), ['--federation', 'A B']), { status: 2 });
});

test('an authority that was damaged keeps the scheduler from starting, and says what to do', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  await foundHere(dataDir, join(dataDir, '..', 'root'));
  const folder = join(dataDir, 'authority');
  const fails = (message: RegExp) =>
    t.rejects(openAuthority(dataDir, Date.now()), { name: 'AuthorityError', message });
  chmodSync(join(folder, 'authority.key'), 0o640);
  await fails(/authority\.key can be read by others; say chmod 600/);
  chmodSync(join(folder, 'authority.key'), 0o600);
  const { pem } = await makeRoot('lab', Date.now());
  const good = readFileSync(join(folder, 'authority.pem'), 'utf8');
  writeFileSync(join(folder, 'authority.pem'), pem);
  await fails(/the key is not that of the certificate/);
  writeFileSync(join(folder, 'authority.pem'), good);
  rmSync(join(folder, 'authority.key'));
  await fails(/authority\.key is missing; restore it from a backup/);
  const run = () => runProgram(['run', '--data-dir', dataDir, '--listen', '127.0.0.1:1']);
  t.match(run(), {
    status: 1,
    stderr: /^secovia-scheduler: the authority in .* cannot be used: authority\.key is/,
  });
  rmSync(folder, { recursive: true });
  t.match(run(), { status: 1, stderr: /there is no authority in .*; found a federation with/ });
  await t.rejects(foundHere(dataDir, join(temporaryFolder(t), 'out')), {
    message: /the authority of this federation is gone, .*restore .*authority from a backup/,
  });
});
