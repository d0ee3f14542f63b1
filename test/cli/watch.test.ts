import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { Vm } from '../../proto/gen/secovia/v1/Vm.js';
import type { WatchVmsResponse } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import { vm, webUid } from './fixtures.js';
import { type CliOptions, cli, eventually, spawnCli } from './run-cli.js';
import { Refused, ScriptedServer } from './scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());

const updated = (over: Vm, resumeToken = ''): WatchVmsResponse => ({
  type: 'WATCH_EVENT_TYPE_UPDATED',
  vm: vm(over),
  resumeToken,
});
const bare = (type: NonNullable<WatchVmsResponse['type']>, resumeToken = ''): WatchVmsResponse => ({
  type,
  resumeToken,
});
const db: Vm = { name: 'administrations/city/vms/db', uid: '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0002' };

/** Runs a watch until the output satisfies `enough`, then presses Ctrl-C. */
async function watchUntil(
  enough: (out: string, err: string) => boolean,
  args: string[] = [],
  options: CliOptions = {},
) {
  const interruption = new AbortController();
  return cli(['vm', 'watch', ...args], {
    server: server.address,
    interrupted: interruption.signal,
    watch: ({ out, err }) => enough(out, err) && interruption.abort(),
    ...options,
  });
}

t.test('a line for each VM and for each change, nothing for what stayed the same', async (t) => {
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(updated({}));
    stream.write(updated(db));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't1'));
    stream.write(updated({ title: 'only the title is new' }, 't2'));
    stream.write(bare('WATCH_EVENT_TYPE_HEARTBEAT', 't3'));
    stream.write(updated({ state: 'VM_STATE_STOPPING', desiredPowerState: 'POWER_STATE_STOPPED' }, 't4'));
    stream.write(
      updated({ state: 'VM_STATE_FAILED', error: { code: 13, message: 'x\x1b[2J', details: [] } }, 't5'),
    );
    stream.write({ type: 'WATCH_EVENT_TYPE_REMOVED', vm: vm({ ...db, state: 'VM_STATE_DELETED' }) });
  });
  const result = await watchUntil((out) => out.includes('DELETED'), ['-A', 'city', '--filter', 'vcpus = 2']);
  t.equal(result.code, 130);
  const time = '2026-11-23T07:00:00Z';
  t.equal(
    result.out,
    [
      `${time}  city/web                      RUNNING     sofia-1-a`,
      `${time}  city/db                       RUNNING     sofia-1-a`,
      `${time}  city/web                      STOPPING    sofia-1-a`,
      `${time}  city/web                      FAILED      sofia-1-a         x\\x1b[2J`,
      `${time}  city/db                       DELETED     sofia-1-a`,
      '',
    ].join('\n'),
  );
  t.match(server.sent('VmService', 'WatchVms'), [
    { parent: 'administrations/city', filter: 'vcpus = 2', resumeToken: '' },
  ]);
});

t.test('JSON: one object a line, without heartbeats', async (t) => {
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(updated({}, 't1'));
    stream.write(bare('WATCH_EVENT_TYPE_HEARTBEAT', 't2'));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't3'));
  });
  const { out } = await watchUntil((text) => text.includes('SYNCED'), ['-o', 'json']);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  t.equal(lines.length, 2);
  t.match(lines, [
    { type: 'WATCH_EVENT_TYPE_UPDATED', vm: { uid: webUid, state: 'VM_STATE_RUNNING' }, resumeToken: 't1' },
    { type: 'WATCH_EVENT_TYPE_SYNCED' },
  ]);
});

t.test('a watch goes on from its last token after the scheduler died', async (t) => {
  server.received.length = 0;
  server.onStream('VmService', 'WatchVms', ({ resumeToken }, stream) => {
    if (resumeToken === '') {
      stream.write(updated({}, 't1'));
      stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't2'));
      stream.write(bare('WATCH_EVENT_TYPE_HEARTBEAT', 't3'));
    } else stream.write(updated({ state: 'VM_STATE_STOPPED' }, 't4'));
  });
  let down = false;
  let up: Promise<void> | undefined;
  const result = await watchUntil((out, err) => {
    if (out.includes('RUNNING') && !down) {
      down = true;
      // Later than the line: the token of the heartbeat must be the one that counts.
      setTimeout(() => server.down(), 300);
    }
    if (err.includes('the connection to the scheduler is lost')) up ??= server.up();
    return out.includes('STOPPED');
  });
  await up;
  t.match(result, {
    code: 130,
    out: /RUNNING +sofia-1-a\n.*STOPPED +sofia-1-a +to be started\n$/,
    err: /the connection to the scheduler is lost; trying again until it is back\.\n.*the watch goes on\.\n/,
  });
  const sent = server.sent('VmService', 'WatchVms');
  t.equal(sent.at(0)?.resumeToken, '');
  t.equal(sent.at(-1)?.resumeToken, 't3');
});

t.test('after RESET only what differs is shown, and what is gone', async (t) => {
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(updated({}));
    stream.write(updated(db));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't1'));
    stream.write(bare('WATCH_EVENT_TYPE_RESET'));
    stream.write(updated({}));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't9'));
    stream.write(updated({ state: 'VM_STATE_CRASHED' }, 't10'));
  });
  const { out } = await watchUntil((text) => text.includes('CRASHED'));
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/).slice(1));
  t.same(lines, [
    ['city/web', 'RUNNING', 'sofia-1-a'],
    ['city/db', 'RUNNING', 'sofia-1-a'],
    ['city/db', 'DELETED', 'sofia-1-a', 'gone while the connection was lost'],
    ['city/web', 'CRASHED', 'sofia-1-a'],
  ]);
});

t.test('a VM that leaves the filter is not called deleted', async (t) => {
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(updated({}));
    stream.write({ type: 'WATCH_EVENT_TYPE_REMOVED', vm: vm({ state: 'VM_STATE_STOPPED' }) });
  });
  const { out } = await watchUntil((text) => text.includes('longer'), ['--filter', 'state = RUNNING']);
  t.match(out, /STOPPED +sofia-1-a +no longer matches\n$/);
});

t.test('the watch of one VM is of that VM, and ends when it is deleted', async (t) => {
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(updated({}));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't1'));
    stream.write(updated({ state: 'VM_STATE_DELETING' }));
    stream.write({ type: 'WATCH_EVENT_TYPE_REMOVED', vm: vm({ state: 'VM_STATE_DELETED' }) });
  });
  const result = await cli(['vm', 'watch', 'city/web'], { server: server.address });
  t.match(result, { code: 0, out: /RUNNING.*\n.*DELETING.*\n.*DELETED/ });
  t.match(server.sent('VmService', 'WatchVms').at(-1), {
    parent: 'administrations/city',
    filter: `uid = "${webUid}"`,
  });
  server.on('VmService', 'GetVm', () => {
    throw new Refused(status.NOT_FOUND, 'there is no VM');
  });
  t.match(await cli(['vm', 'watch', 'city/web'], { server: server.address }), { code: 3 });
});

t.test('the watch of one VM ends when it has gone while the connection was lost', async (t) => {
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(updated({}));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't1'));
    stream.write(bare('WATCH_EVENT_TYPE_RESET'));
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't9'));
  });
  const options = { server: server.address };
  t.match(await cli(['vm', 'watch', 'city/web'], options), {
    code: 0,
    out: /RUNNING.*\n.*DELETED.*gone while/,
  });
  t.match(await cli(['vm', 'watch', 'city/web', '-o', 'json'], options), { code: 0 });
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write(bare('WATCH_EVENT_TYPE_SYNCED', 't1'));
  });
  t.match(await cli(['vm', 'watch', 'city/web'], options), { code: 0, out: '' }, 'or before it began');
});

t.test('a refusal ends the watch, and a scheduler that was never there too', async (t) => {
  server.onStream('VmService', 'WatchVms', () => {
    throw new Refused(status.INVALID_ARGUMENT, 'filter: nonsense');
  });
  t.match(await cli(['vm', 'watch'], { server: server.address }), { code: 2, err: /nonsense/ });
  t.match(await cli(['vm', 'watch', '--timeout', '2s'], { server: '127.0.0.1:1' }), {
    code: 5,
    err: /nothing listens there \(UNAVAILABLE\)/,
  });
});

t.test('as a process: Ctrl-C ends it with 130, and a reader that leaves ends it well', async (t) => {
  let streams = 0;
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    streams++;
    const timer = setInterval(
      () => stream.write(updated({ state: 'VM_STATE_RUNNING', host: `hosts/h${Math.random()}` })),
      5,
    );
    (stream as unknown as NodeJS.EventEmitter).once('cancelled', () => {
      clearInterval(timer);
      streams--;
    });
  });
  const env = { SECOVIA_SERVER: server.address };
  const interrupted = spawnCli(['vm', 'watch'], env);
  await interrupted.until(({ out }) => out.includes('city/web'));
  interrupted.child.kill('SIGINT');
  t.equal(await interrupted.ended, 130);
  const left = spawnCli(['vm', 'watch'], env);
  await left.until(({ out }) => out.includes('city/web'));
  left.child.stdout?.destroy();
  t.equal(await left.ended, 0);
  t.equal(left.soFar.err, '');
  await eventually(() => streams === 0, 'the scheduler hears that nobody watches any more');
});
