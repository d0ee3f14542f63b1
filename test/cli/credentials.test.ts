import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeCredentials } from '../../proto/credentials.js';
import { makeAuthority } from '../../scheduler/trust/authority-folder.js';
import { SchedulerProcess } from '../scheduler/api/scheduler-process.js';
import { SecureScheduler, signedBy } from '../scheduler/api/secure-scheduler.js';
import { temporaryFolder } from '../scheduler/scope.js';
import { cli, spawnCli } from './run-cli.js';

const secure = await SecureScheduler.start(t);
const folder = temporaryFolder(t);
const day = 24 * 3600 * 1000;

/** `secovia ARGS` with TLS, as a process of its own: certificates are judged by the real clock. */
async function run(args: string[], env: Record<string, string> = {}) {
  const running = spawnCli(args, {
    SECOVIA_SERVER: secure.address,
    SECOVIA_INSECURE: '0',
    HOME: join(folder, 'home'),
    ...env,
  });
  return { code: await running.ended, ...running.soFar };
}

const list = ['site', 'list'];
const identity = secure.credentialsFolder;

t.test('credentials come from the flag, the environment, or the home directory', async (t) => {
  t.match(await run([...list, '--identity', identity]), { code: 0, err: /^secovia: there is no site yet/ });
  t.match(await run(list, { SECOVIA_IDENTITY: identity }), {
    code: 0,
    err: /^secovia: there is no site yet/,
  });
  t.match(await run(list), {
    code: 2,
    err: /there are no credentials in .*\/home\/\.config\/secovia\. Say where/,
  });
  mkdirSync(join(folder, 'home', '.config'), { recursive: true });
  cpSync(identity, join(folder, 'home', '.config', 'secovia'), { recursive: true });
  t.match(await run(list), { code: 0, err: /^secovia: there is no site yet/ });
  t.match(await run([...list, '--identity', '/nowhere']), { code: 2, err: /no credentials in \/nowhere/ });
  t.match(await run([...list, '--identity', identity, '--insecure']), {
    code: 2,
    err: /exclude one another/,
  });
  t.match(await run(list, { SECOVIA_INSECURE: 'yes' }), { code: 2, err: /Write 1, or leave it out/ });
  const both = { SECOVIA_INSECURE: '1' };
  t.match(await run([...list, '--identity', identity], both), { code: 0 }, 'who says --identity means it');
});

t.test('completion asks with the credentials of the line', async (t) => {
  const site = ['site', 'create', 'zagreb', '--partner', 'carnet', '--country', 'HR'];
  t.match(await run([...site, '--identity', identity]), { code: 0 });
  const ask = (...words: string[]) =>
    run(['__complete', 'fish', '--', ...words, 'site', 'show', ''], { HOME: '/nowhere' });
  t.match(await ask('--identity', identity), { code: 0, out: 'zagreb\n', err: '' });
  t.match(await ask(), { code: 0, out: '', err: '' }, 'without credentials there are no names, and no noise');
  t.match(await ask('--insecure'), { code: 0, out: '', err: '' });
  t.match(await run(['__complete', 'bash', '--', '--identity', '']), { out: /files/ });
});

t.test('the version of the CLI needs no credentials', async (t) => {
  t.match(await run(['version', '--identity', '/nowhere']), {
    code: 0,
    out: /^secovia \d/,
    err: /no credentials in \/nowhere/,
  });
  t.match(await run(['version', '--identity', identity]), { code: 0, out: /^scheduler \d/m, err: '' });
});

t.test('a folder that is not right is told with what to do, before anybody is called', async (t) => {
  const copy = (change: (path: string) => void) => {
    const path = join(temporaryFolder(t), 'copy');
    cpSync(identity, path, { recursive: true });
    change(path);
    return [...list, '--identity', path];
  };
  const open = copy((path) => chmodSync(join(path, 'key.pem'), 0o644));
  t.match(await run(open), { code: 2, err: /others can read .*key\.pem; say chmod 600/ });
  const half = copy((path) => rmSync(join(path, 'certificate.pem')));
  t.match(await run(half), { code: 2, err: /there is no certificate\.pem in / });
  const garbled = copy((path) => writeFileSync(join(path, 'authority.pem'), 'x'));
  t.match(await run(garbled), { code: 2, err: /cannot be read: they must be PEM/ });
  const other = await secure.signed('admin/root');
  const mixed = copy((path) => writeFileSync(join(path, 'key.pem'), other.key));
  t.match(await run(mixed), { code: 2, err: /not that of the certificate beside it/ });
  for (const [life, words] of [
    [{ nowMs: Date.now() - 2 * day, lifeMs: day }, /has expired at 20.*\. Ask whoever issued it/],
    [{ nowMs: Date.now() + day, lifeMs: day }, /is good from 20.*\. Look at this machine's clock/],
  ] as const) {
    const path = join(temporaryFolder(t), 'other');
    writeCredentials(path, await secure.signed('admin/root', life));
    t.match(await run([...list, '--identity', path]), { code: 2, err: words });
  }
});

t.test('a server that is not the scheduler is not spoken to, and not tried again', async (t) => {
  const authority = await makeAuthority(temporaryFolder(t), 'other', null, Date.now());
  const stranger = join(temporaryFolder(t), 'stranger');
  writeCredentials(stranger, await signedBy(authority, 'spiffe://other/admin/root'));
  const result = await run([...list, '--identity', stranger]);
  t.match(result, { code: 5, err: /its certificate is of another authority than yours \(UNAVAILABLE\)/ });
  t.notMatch(result.err, /Trying again/);
  const sibling = join(temporaryFolder(t), 'sibling');
  writeCredentials(sibling, await signedBy(secure.authority, 'spiffe://sibling/admin/root'));
  t.match(await run([...list, '--identity', sibling]), {
    code: 5,
    err: /the server is not the scheduler of federation sibling \(UNAVAILABLE\)/,
  });
  const unknown = await run([...list, '--identity', identity], {
    SECOVIA_SERVER: 'no-such-host.invalid:7443',
  });
  t.match(unknown, { code: 5, err: /the name is not known \(UNAVAILABLE\)/ });
  t.notMatch(unknown.err, /Trying again/, 'a wrong name does not heal');
});

t.test('one with TLS and the other without do not meet', async (t) => {
  const plain = await SchedulerProcess.start(t);
  const short = ['--timeout', '1s'];
  const toPlain = await run([...list, ...short, '--identity', identity], { SECOVIA_SERVER: plain.address });
  t.match(toPlain, { code: 5, err: /cannot reach the scheduler at/ });
  t.match(await run([...list, ...short, '--insecure']), { code: 5, err: /cannot reach the scheduler at/ });
});

t.test('without TLS only this machine is called', async (t) => {
  for (const server of ['192.0.2.1:7443', 'scheduler.example:7443', '[2001:db8::1]:7443', '0.0.0.0:7443']) {
    const result = await cli([...list, '--insecure'], { server });
    t.match(result, { code: 2, err: /without TLS only a scheduler on this machine can be called/ }, server);
  }
  for (const server of ['127.0.0.1:1', '127.8.8.8:1', '[::1]:1', 'localhost:1'])
    t.match(await cli([...list, '--insecure', '--timeout', '100ms'], { server }), { code: 5 }, server);
});
