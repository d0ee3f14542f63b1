import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { parse } from 'yaml';
import { status } from '@grpc/grpc-js';
import { Api } from './api/client.js';
import { Federation, newVm } from './api/federation.js';
import { freePort, program, SchedulerProcess } from './api/scheduler-process.js';
import { init } from './api/secure-scheduler.js';
import { Watcher } from './api/watcher.js';
import { runProgram as run } from './run-program.js';
import { temporaryFolder } from './scope.js';

test('the settings as they would be used can be printed, and nothing is started', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'config.yaml'), 'federation: from-file\nleaseMs: 2000\n');
  const { status, stdout } = run(
    ['run', '--config', join(folder, 'config.yaml'), '--print-config', '--data-dir', join(folder, 'none')],
    { SECOVIA_SCHEDULER_LEASE_MS: '3000' },
  );
  t.equal(status, 0);
  t.same(parse(stdout), {
    listen: '127.0.0.1:7443',
    advertise: [],
    insecure: false,
    metricsListen: '',
    dataDir: join(folder, 'none'),
    federation: 'from-file',
    leaseMs: 3000,
    operationLimitMs: 3_600_000,
    hostCertificateMs: 7 * 86_400_000,
    callsPerSecond: 5000,
    strategy: 'pack',
    oidcIssuer: '',
    oidcAudience: 'secovia',
    oidcKeys: '',
    oidcClaim: 'secovia_administrations',
    oidcClockSkewS: 60,
    logLevel: 'info',
  });
  t.throws(() => statSync(join(folder, 'none')), { code: 'ENOENT' });
});

test('wrong usage ends with 2 and says what is wrong', async (t) => {
  for (const [args, words] of [
    [['run', '--lease-ms', '1'], /--lease-ms: must be at least 1000/],
    [['run', '--config', '/nowhere.yaml'], /cannot read \/nowhere.yaml/],
    [['run', '--liste', 'x'], /unknown option.*--liste[\s\S]*Did you mean --listen/],
    [['runn'], /unknown command 'runn'/],
    [[], /Usage: secovia-scheduler/],
  ] as const) {
    const { status, stdout, stderr } = run([...args]);
    t.equal(status, 2, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, words);
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  }
});

test('help and version end with 0', async (t) => {
  t.match(run(['--version']), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  const { status, stdout } = run(['run', '--help']);
  t.equal(status, 0);
  for (const word of ['--listen', 'SECOVIA_SCHEDULER_LISTEN', 'Exit status']) t.match(stdout, word);
});

test('an address that is taken, or is not of this machine, ends with 1 and a sentence', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  for (const listen of [`127.0.0.1:${port}`, '192.0.2.1:7443']) {
    const dataDir = join(temporaryFolder(t), 'data');
    t.equal(init(dataDir, join(dataDir, '..', 'root')).status, 0);
    const { status, stderr } = run(['run', '--data-dir', dataDir, '--listen', listen]);
    t.equal(status, 1, listen);
    t.match(
      stderr,
      new RegExp(`^secovia-scheduler: cannot listen on ${listen.replaceAll('.', '\\.')}: `, 'm'),
    );
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  }
});

test('a folder that cannot be used ends with 1 and a sentence', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), '');
  writeFileSync(join(folder, 'secovia.db'), 'x'.repeat(10_000));
  const badKey = temporaryFolder(t);
  writeFileSync(join(badKey, 'checkpoint.key'), 'not a key');
  const listen = `127.0.0.1:${await freePort()}`;
  for (const [dataDir, words] of [
    [join(folder, 'file', 'data'), /cannot use/],
    [folder, /not a database/],
    [badKey, /checkpoint\.key/],
  ] as const) {
    const { status, stderr } = run(['run', '--insecure', '--data-dir', dataDir, '--listen', listen]);
    t.equal(status, 1, dataDir);
    t.match(stderr, /^secovia-scheduler: /m);
    t.match(stderr, words);
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  }
});

test('one data folder has one scheduler', async (t) => {
  const scheduler = await SchedulerProcess.start(t);
  const listen = `127.0.0.1:${await freePort()}`;
  const { status, stderr } = run(['run', '--insecure', '--data-dir', scheduler.dataDir, '--listen', listen]);
  t.equal(status, 1);
  t.match(stderr, /another scheduler is running on .*; stop it first/);
  const api = new Api(scheduler.address);
  t.ok(await api.sequence(), 'the first one is not disturbed');
  api.close();
});

test('it stops when it is told to, and starts again with a higher epoch', async (t) => {
  const scheduler = await SchedulerProcess.start(t);
  const api = new Api(scheduler.address);
  t.teardown(() => api.close());
  const epoch = async () => (await api.call('GetFederation', {})).federation?.epoch;
  const first = await epoch();
  t.match(first, { incarnation: 1, counter: 1 });
  t.equal(await scheduler.stop(), 0);
  t.ok(scheduler.log.some(({ msg }) => msg === 'stopped'));
  await scheduler.start();
  const second = await epoch();
  t.match(second, { incarnation: 1, counter: 2 });
  t.not(second?.instance, first?.instance);
  await scheduler.restart();
  t.match(await epoch(), { counter: 3 });
});

test('it stops in time although some watch and wait', async (t) => {
  const federation = await Federation.start(t);
  const agent = await federation.host('a');
  const watcher = new Watcher(federation.api);
  await watcher.next('SYNCED');
  const { operation } = await federation.api.call('CreateVm', newVm('slow'));
  await agent.desired('the VM');
  federation.api.call('WaitOperation', { name: operation?.name ?? '' }).catch(() => {});
  t.equal(await federation.scheduler.stop(), 0);
  t.not((await watcher.heard.over()).code, status.OK);
});

test('what it keeps is for its owner alone', async (t) => {
  const folder = join(temporaryFolder(t), 'data');
  const scheduler = await SchedulerProcess.start(t, { dataDir: folder });
  t.equal(statSync(folder).mode & 0o777, 0o700);
  t.equal(statSync(join(folder, 'checkpoint.key')).mode & 0o777, 0o600);
  t.match(readFileSync(join(folder, 'checkpoint.key'), 'utf8'), /BEGIN PRIVATE KEY/);
  t.equal(await scheduler.stop(), 0);
});

/** Runs a scheduler on a small disk of its own. */
function smallDisk(tiny: string, listen: string) {
  const command =
    'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$0" "$2" run --insecure --data-dir "$1" --listen "$3"';
  const child = spawn('unshare', ['-m', 'sh', '-c', command, process.execPath, tiny, program, listen]);
  const heard: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (data: string) => heard.push(data));
  return { child, heard };
}

test('when the store fails the process ends with 70, and acknowledges nothing more', {
  skip: noMounts(),
}, async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'tiny'));
  const listen = `127.0.0.1:${await freePort()}`;
  const { child, heard } = smallDisk(join(folder, 'tiny'), listen);
  t.teardown(() => child.kill('SIGKILL'));
  const api = new Api(listen);
  t.teardown(() => api.close());
  const title = 'x'.repeat(200);
  let acknowledged = 0;
  const exited = once(child, 'exit');
  const fill = async () => {
    for (let index = 0; ; index += 1) {
      await api.call('CreateSite', { siteId: `s-${index}`, site: { title, partner: 'p', country: 'HR' } });
      acknowledged += 1;
    }
  };
  const failure = await Promise.race([fill().catch((error: Error) => error), exited.then(() => null)]);
  const [code] = await exited;
  t.equal(code, 70);
  t.ok(acknowledged > 0, `${acknowledged} were acknowledged before ${failure?.message ?? 'it ended'}`);
  t.match(
    heard.join(''),
    /decisions cannot be kept; stopping.*database or disk is full|database or disk is full.*decisions cannot be kept/,
  );
});

/** A small file system of one's own needs a privilege that not everybody who runs the tests has. */
function noMounts(): string | false {
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'mounting is not allowed here';
}
