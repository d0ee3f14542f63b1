import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { operation, vm } from './fixtures.js';
import { cli, cliPath, spawnCli } from './run-cli.js';
import { ScriptedServer } from './scripted-server.js';

const execute = promisify(execFile);
const server = await ScriptedServer.start();
t.teardown(() => server.down());
const env = { SECOVIA_SERVER: server.address, SECOVIA_INSECURE: '1' };
const colour = '\x1b[32mRUNNING\x1b[39m';

/** Pages without end. */
function endless(): void {
  let page = 0;
  server.on('VmService', 'ListVms', () => ({
    vms: Array.from({ length: 200 }, () => vm()),
    nextPageToken: String(++page),
  }));
}

t.test('a reader that leaves ends a list quietly, and the scheduler is left alone', async (t) => {
  for (const format of ['table', 'json', 'name']) {
    endless();
    const running = spawnCli(['vm', 'list', '-o', format], env);
    await running.until(({ out }) => out.includes('web'));
    running.child.stdout?.destroy();
    t.equal(await running.ended, 0, format);
    t.equal(running.soFar.err, '', format);
  }
});

t.test('in a real pipe: secovia vm list | head', async (t) => {
  endless();
  const pipe = `"${process.execPath}" "${cliPath}" vm list | head -n 2; echo "\${PIPESTATUS[*]}"`;
  const { stdout, stderr } = await execute('bash', ['-c', pipe], { env: { ...process.env, ...env } });
  t.match(stdout, /^NAME.*\ncity\/web.*\n0 0\n$/);
  t.equal(stderr, '');
});

t.test('a reader that leaves does not keep a change from being made', async (t) => {
  const started: string[] = [];
  server.on('VmService', 'StartVm', ({ name }) => {
    started.push(name);
    return { vm: vm({ name }), operation: operation({ verb: 'start' }) };
  });
  const names = Array.from({ length: 30 }, (_, index) => `city/vm-${index}`);
  const running = spawnCli(['vm', 'start', ...names], env);
  await running.until(({ out }) => out.includes('vm-0'));
  running.child.stdout?.destroy();
  t.equal(await running.ended, 0);
  t.equal(started.length, 30);
});

t.test('output that cannot be written is a failure', async (t) => {
  if (!existsSync('/dev/full')) {
    t.comment('no /dev/full on this machine');
    t.match(await cli(['--version']), { code: 0 });
    return;
  }
  const { status, stderr } = spawnSync(
    'bash',
    ['-c', `"${process.execPath}" "${cliPath}" --version > /dev/full`],
    {
      encoding: 'utf8',
    },
  );
  t.equal(status, 1);
  t.match(stderr, /^secovia: cannot write the output: .*ENOSPC/);
});

t.test('colours are for a terminal that wants them', async (t) => {
  server.on('VmService', 'ListVms', () => ({ vms: [vm()] }));
  const list = (options: Parameters<typeof cli>[1], ...args: string[]) =>
    cli(['vm', 'list', ...args], { server: server.address, ...options });
  t.ok((await list({ terminal: 'stdout' })).out.includes(colour));
  t.notOk((await list({})).out.includes('\x1b'), 'in a pipe');
  t.notOk((await list({ terminal: 'stdout', env: { NO_COLOR: '1' } })).out.includes('\x1b'), 'NO_COLOR');
  t.ok((await list({ terminal: 'stdout', env: { NO_COLOR: '' } })).out.includes(colour), 'an empty NO_COLOR');
  t.notOk((await list({ terminal: 'stdout' }, '--no-color')).out.includes('\x1b'), '--no-color');
  t.notOk(
    (await list({ terminal: 'stdout', env: { TERM: 'dumb' } })).out.includes('\x1b'),
    'a dumb terminal',
  );
  t.notOk((await list({ terminal: 'stdout' }, '-o', 'json')).out.includes('\x1b'), 'JSON');
});

t.test('on a real terminal there are colours, in a real pipe none', async (t) => {
  server.on('VmService', 'ListVms', () => ({ vms: [vm()] }));
  const piped = spawnCli(['vm', 'list'], env);
  t.equal(await piped.ended, 0);
  t.notOk(piped.soFar.out.includes('\x1b'));
  const script = '/usr/bin/script';
  if (!existsSync(script)) {
    t.comment('no script(1) on this machine');
    return;
  }
  const log = join(t.testdir(), 'typescript');
  await execute(script, ['-qec', `"${process.execPath}" "${cliPath}" vm list`, log], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
  });
  t.ok(readFileSync(log, 'utf8').includes(colour));
});

t.test('the executable is one', async (t) => {
  t.match(readFileSync(cliPath, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  t.match(execFileSync(process.execPath, [cliPath, '--version'], { encoding: 'utf8' }), /^secovia \d/);
});
