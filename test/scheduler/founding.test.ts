import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readCredentials, secureChannel } from '../../proto/credentials.js';
import { found } from '../../scheduler/founding/founding.js';
import { Api } from './api/client.js';
import { SchedulerProcess } from './api/scheduler-process.js';
import { foundHere, init, SecureScheduler } from './api/secure-scheduler.js';
import { runProgram } from './run-program.js';
import { temporaryFolder } from './scope.js';

const mode = (path: string) => statSync(path).mode & 0o777;

test('init makes an authority, and an administrator who gets in', async (t) => {
  const folder = temporaryFolder(t);
  const [dataDir, credentialsFolder] = [join(folder, 'data'), join(folder, 'root')];
  t.match(init(dataDir, credentialsFolder), {
    status: 0,
    stdout: /^Federation lab is founded in .*spiffe:\/\/lab\/admin\/root are in /,
    stderr: '',
  });
  const scheduler = await SchedulerProcess.start(t, { dataDir, secure: true });
  const credentials = readCredentials(credentialsFolder);
  const api = new Api(scheduler.address, { secure: secureChannel(credentials) });
  t.teardown(() => api.close());
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
  const { scheduler, api } = await SecureScheduler.start(t);
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
  const words = ['run', '--data-dir', dataDir, '--listen', scheduler.address, '--federation', 'other'];
  t.match(runProgram(words), { status: 1, stderr: /is called lab, and its certificates say so/ });
  await scheduler.start();
  t.match(await api.call('GetFederation', {}), { federation: { title: 'lab' } });
});

test('an init that takes up another one must be the same', async (t) => {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  // As if it had been killed before the journal was written.
  const forget = () => {
    for (const name of readdirSync(dataDir)) if (name.startsWith('secovia.db')) rmSync(join(dataDir, name));
  };
  await foundHere(dataDir, join(folder, 'root'));
  forget();
  const other = { dataDir, federation: 'other', name: 'root', out: join(folder, 'x'), given: null };
  await t.rejects(found(other), { message: /an earlier init has begun with federation lab; repeat it/ });
  forget();
  writeFileSync(join(folder, 'taken'), '');
  await t.rejects(foundHere(dataDir, join(folder, 'taken')), {
    message: /taken is there already; choose a folder/,
  });
  await foundHere(dataDir, join(folder, 'root'));
  const scheduler = await SchedulerProcess.start(t, { dataDir, secure: true });
  const api = new Api(scheduler.address, { secure: secureChannel(readCredentials(join(folder, 'root'))) });
  t.teardown(() => api.close());
  t.ok(await api.sequence(), 'credentials that waited for the journal were taken up');
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
