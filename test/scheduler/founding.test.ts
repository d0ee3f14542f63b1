import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readCredentials, secureChannel, writeCredentials } from '../../proto/credentials.js';
import { openAuthority } from '../../scheduler/trust/authority-folder.js';
import { Api } from './api/client.js';
import { SchedulerProcess } from './api/scheduler-process.js';
import { init, SecureScheduler, signedBy } from './api/secure-scheduler.js';
import { runProgram } from './run-program.js';
import { temporaryFolder } from './scope.js';

const mode = (path: string) => statSync(path).mode & 0o777;

test('init makes an authority, and an administrator who gets in', async (t) => {
  const { api, scheduler, credentials, credentialsFolder } = await SecureScheduler.start(t);
  const { dataDir } = scheduler;
  t.equal((await api.call('GetFederation', {})).federation?.title, 'lab');
  t.equal(credentials.uri, 'spiffe://lab/admin/root');
  const days = (credentials.endMs - Date.now()) / (24 * 3600 * 1000);
  t.ok(days > 365 && days <= 366, `${days} days`);
  for (const [path, bits] of [
    [dataDir, 0o700],
    [join(dataDir, 'authority'), 0o700],
    [join(dataDir, 'authority', 'authority.key'), 0o600],
    [join(dataDir, 'server'), 0o700],
    [join(dataDir, 'server', 'server.key'), 0o600],
    [credentialsFolder, 0o700],
    [join(credentialsFolder, 'key.pem'), 0o600],
  ] as const)
    t.equal(mode(path), bits, path);
  t.same(readdirSync(credentialsFolder).sort(), ['authority.pem', 'certificate.pem', 'key.pem']);
  const root = new X509Certificate(credentials.authority);
  const own = new X509Certificate(credentials.chain);
  t.ok(root.ca && !own.ca);
  t.ok(own.verify(root.publicKey));
  t.match(root.subject, /O=lab/);
  const years = (Date.parse(root.validTo) - Date.now()) / (365.25 * 24 * 3600 * 1000);
  t.ok(years > 19.9 && years < 20.1, `${years} years`);
  t.match(own.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'for clients alone');
  const server = new X509Certificate(
    readFileSync(join(dataDir, 'server', 'server.key'), 'utf8').split(/(?=-----BEGIN CERT)/)[1] ?? '',
  );
  t.match(server.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'for servers alone');
  t.equal(server.subjectAltName, 'URI:spiffe://lab/scheduler');
});

test('init works once, and disturbs nothing afterwards', async (t) => {
  const { scheduler, api, credentials } = await SecureScheduler.start(t);
  const { dataDir } = scheduler;
  const out = join(temporaryFolder(t), 'second');
  const running = init(dataDir, out);
  t.match(running, {
    status: 1,
    stderr: /^secovia-scheduler: another scheduler is running on .*; stop it first/,
  });
  t.equal(await scheduler.stop(), 0);
  const again = init(dataDir, out);
  t.match(again, {
    status: 1,
    stdout: '',
    stderr: /there is an authority in .*secovia-scheduler administrator NAME/,
  });
  t.notMatch(again.stderr, /\n {4}at /, 'no stack');
  t.notOk(existsSync(out));
  await scheduler.start();
  t.match(await api.call('GetFederation', {}), { federation: { title: 'lab' } });
  t.ok(credentials.key);
});

test('the name of a founded federation stays', async (t) => {
  const { scheduler } = await SecureScheduler.start(t);
  t.equal(await scheduler.stop(), 0);
  const words = [
    'run',
    '--data-dir',
    scheduler.dataDir,
    '--listen',
    scheduler.address,
    '--federation',
    'other',
  ];
  t.match(runProgram(words), { status: 1, stderr: /is called lab, and its certificates say so/ });
  t.match(runProgram([...words, '--insecure']), { status: 1, stderr: /is called lab/ });
});

test('an init that takes up another one must be the same', async (t) => {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  t.equal(init(dataDir, join(folder, 'root')).status, 0);
  // As if it had been killed before the journal was written.
  for (const name of readdirSync(dataDir)) if (name.startsWith('secovia.db')) rmSync(join(dataDir, name));
  const other = [
    '--data-dir',
    dataDir,
    '--federation',
    'other',
    '--admin',
    'root',
    '--out',
    join(folder, 'x'),
  ];
  t.match(runProgram(['init', ...other]), {
    status: 1,
    stderr: /an earlier init has begun with federation lab; repeat it/,
  });
  for (const name of readdirSync(dataDir)) if (name.startsWith('secovia.db')) rmSync(join(dataDir, name));
  writeFileSync(join(folder, 'taken'), '');
  t.match(init(dataDir, join(folder, 'taken')), {
    status: 1,
    stderr: /taken is there already; choose a folder/,
  });
  t.match(
    init(dataDir, join(folder, 'root')),
    { status: 0 },
    'credentials that wait for the journal are taken up',
  );
  const scheduler = await SchedulerProcess.start(t, { dataDir, secure: true });
  const api = new Api(scheduler.address, { secure: secureChannel(readCredentials(join(folder, 'root'))) });
  t.teardown(() => api.close());
  t.ok(await api.sequence());
});

test('an operator who has lost the key makes another certificate while the scheduler is stopped', async (t) => {
  const { scheduler } = await SecureScheduler.start(t);
  const { dataDir } = scheduler;
  const folder = temporaryFolder(t);
  const administrator = (name: string, out: string) =>
    runProgram(['administrator', name, '--data-dir', dataDir, '--out', join(folder, out)]);
  t.match(administrator('root', 'early'), { status: 1, stderr: /another scheduler is running/ });
  t.equal(await scheduler.stop(), 0);
  t.match(administrator('root', 'again'), {
    status: 0,
    stdout: /spiffe:\/\/lab\/admin\/root are in .*again/,
  });
  t.match(administrator('ana', 'ana'), { status: 0, stdout: /spiffe:\/\/lab\/admin\/ana/ });
  t.match(administrator('ana', 'ana'), { status: 1, stderr: /ana is there already; choose a folder/ });
  t.match(administrator('Ana', 'x'), { status: 2, stderr: /lower-case letters/ });
  t.match(runProgram(['administrator', 'ana', '--data-dir', folder, '--out', join(folder, 'y')]), {
    status: 1,
    stderr: /there is no authority in .*; found a federation with: secovia-scheduler init/,
  });
  await scheduler.start();
  for (const out of ['again', 'ana']) {
    const api = new Api(scheduler.address, { secure: secureChannel(readCredentials(join(folder, out))) });
    t.match(await api.call('GetFederation', {}), { federation: { title: 'lab' } }, out);
    api.close();
  }
});

test('a server certificate that serves no more is made anew at the next start', async (t) => {
  const { scheduler, authority, api } = await SecureScheduler.start(t);
  const file = join(scheduler.dataDir, 'server', 'server.key');
  const first = readFileSync(file, 'utf8');
  t.equal(await scheduler.stop(), 0);
  await scheduler.start();
  t.equal(readFileSync(file, 'utf8'), first, 'one that is good stays');
  const stranger = await signedBy(authority, 'spiffe://lab/host/a');
  for (const text of ['garbage', `${stranger.key}${stranger.chain}`]) {
    t.equal(await scheduler.stop(), 0);
    writeFileSync(file, text);
    await scheduler.start();
    t.match(readFileSync(file, 'utf8'), /BEGIN PRIVATE KEY[\s\S]*BEGIN CERTIFICATE/);
    t.match(await api.call('GetFederation', {}), { federation: { title: 'lab' } });
  }
});

test('credentials are written whole, and never over others', async (t) => {
  const folder = join(temporaryFolder(t), 'a', 'b');
  const { authority } = await SecureScheduler.start(t);
  const credentials = await signedBy(authority, 'spiffe://lab/host/a');
  writeCredentials(folder, credentials);
  t.match(readCredentials(folder), { uri: 'spiffe://lab/host/a', federation: 'lab', key: credentials.key });
  t.throws(() => writeCredentials(folder, credentials), { code: /EEXIST|ENOTEMPTY/ });
  t.ok(await openAuthority(temporaryFolder(t), Date.now()).then((none) => none === null));
});
