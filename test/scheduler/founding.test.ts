import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'tap';
import { readCredentials, secureChannel, writeCredentials } from '../../proto/credentials.js';
import { makeRoot } from '../../scheduler/trust/certificates.js';
import { openAuthority } from '../../scheduler/trust/authority-folder.js';
import { Api } from './api/client.js';
import { program, SchedulerProcess } from './api/scheduler-process.js';
import { init, SecureScheduler, signedBy } from './api/secure-scheduler.js';
import { runProgram } from './run-program.js';
import { temporaryFolder } from './scope.js';
import { intermediate } from './trust/intermediate.js';

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
  t.match(await api.call('GetFederation', {}), { federation: { name: 'lab' } });
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

test('init that is killed at any moment can be repeated', async (t) => {
  let completed = 0;
  let killed = 0;
  for (let round = 0; completed === 0 || round < 12; round += 1) {
    if (round > 60) throw new Error('init never came to its end');
    const folder = temporaryFolder(t);
    const dataDir = join(folder, 'data');
    const out = join(folder, 'root');
    const words = ['--data-dir', dataDir, '--federation', 'lab', '--admin', 'root', '--out', out];
    const child = spawn(process.execPath, [program, 'init', ...words], { stdio: 'ignore' });
    const exit = once(child, 'exit');
    // At what stage it dies is left to what can be seen of it: each round waits for another trace.
    const traces = [
      'secovia.db',
      'authority.new',
      'authority',
      'server',
      'server/server.key',
      '../root.new',
      '../root',
    ];
    const trace = traces[round % traces.length] as string;
    while (child.exitCode === null && !existsSync(join(dataDir, trace)))
      await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    const [code] = await exit;
    if (code === 0) completed += 1;
    else killed += 1;
    const again = init(dataDir, out);
    if (code === 0 || again.status !== 0)
      t.match(
        again.stderr,
        /there is an authority in .*, and it has administrators/,
        `${trace}: it was done already`,
      );
    const scheduler = await SchedulerProcess.start(t, { dataDir, secure: true });
    const api = new Api(scheduler.address, { secure: secureChannel(readCredentials(out)) });
    t.match(
      await api.call('GetFederation', {}),
      { federation: { name: 'lab' } },
      `killed when ${trace} was there`,
    );
    api.close();
    await scheduler.kill();
    t.notOk(existsSync(`${out}.new`));
    if (round >= 13) break;
  }
  t.ok(killed > 0, `${killed} times it was killed, ${completed} times it was too late`);
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
    t.match(await api.call('GetFederation', {}), { federation: { name: 'lab' } }, out);
    api.close();
  }
});

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
  t.match(await api.call('GetFederation', {}), { federation: { name: 'lab' } });
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
    const given = [
      '--authority-certificate',
      join(folder, 'chain.pem'),
      '--authority-key',
      join(folder, 'key.pem'),
    ];
    const result = init(join(folder, 'data'), join(folder, 'root'), given);
    t.match(result, { status: 1, stderr: words });
    t.notMatch(result.stderr, /\n {4}at /, 'no stack');
  }
  t.notOk(existsSync(join(folder, 'data')) || existsSync(join(folder, 'root')));
  const half = init(join(folder, 'data'), join(folder, 'root'), ['--authority-key', join(folder, 'key.pem')]);
  t.match(half, { status: 2, stderr: /belong together/ });
  t.match(init(join(folder, 'data'), join(folder, 'root'), ['--federation', 'A B']), { status: 2 });
});

test('an authority that was damaged keeps the scheduler from starting, and says what to do', async (t) => {
  const { scheduler } = await SecureScheduler.start(t);
  t.equal(await scheduler.stop(), 0);
  const folder = join(scheduler.dataDir, 'authority');
  const run = () => runProgram(['run', '--data-dir', scheduler.dataDir, '--listen', scheduler.address]);
  chmodSync(join(folder, 'authority.key'), 0o640);
  t.match(run(), { status: 1, stderr: /authority\.key can be read by others; say chmod 600/ });
  chmodSync(join(folder, 'authority.key'), 0o600);
  const { pem } = await makeRoot('lab', Date.now());
  const good = readFileSync(join(folder, 'authority.pem'), 'utf8');
  writeFileSync(join(folder, 'authority.pem'), pem);
  t.match(run(), { status: 1, stderr: /the key is not that of the certificate/ });
  writeFileSync(join(folder, 'authority.pem'), good);
  rmSync(join(folder, 'authority.key'));
  t.match(run(), { status: 1, stderr: /authority\.key is missing; restore it from a backup/ });
  rmSync(folder, { recursive: true });
  t.match(run(), { status: 1, stderr: /there is no authority in .*; found a federation with/ });
  t.match(init(scheduler.dataDir, join(temporaryFolder(t), 'out')), {
    status: 1,
    stderr: /the authority of this federation is gone, .*restore .*authority from a backup/,
  });
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
    t.match(await api.call('GetFederation', {}), { federation: { name: 'lab' } });
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
