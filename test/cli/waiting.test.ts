import { status } from '@grpc/grpc-js';
import t from 'tap';
import { operation, succeeded, vm } from './fixtures.js';
import { cli, spawnCli } from './run-cli.js';
import { Refused, ScriptedServer } from './scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());

const start = ['vm', 'start', 'city/web', '--wait'];
server.on('VmService', 'StartVm', () => ({ vm: vm(), operation: operation({ verb: 'start' }) }));
server.on('VmService', 'GetVm', () => ({ vm: vm() }));

/** Answers like a scheduler: when the operation ends or the time is up. */
function endingAfter(answers: number): void {
  let step = 0;
  server.on('OperationService', 'WaitOperation', async ({ timeout }) => {
    if (++step > answers) return { operation: succeeded({ verb: 'start' }) };
    await new Promise((resolve) => setTimeout(resolve, Math.min(50, Number(timeout.seconds) * 1000)));
    return { operation: operation({ verb: 'start', progress: `step ${step}` }) };
  });
}

t.test('away from a terminal every change is a line, once', async (t) => {
  server.onStream('VmService', 'WatchVms', (_request, stream) => {
    stream.write({ type: 'WATCH_EVENT_TYPE_UPDATED', vm: vm({ state: 'VM_STATE_STARTING' }) });
    stream.write({ type: 'WATCH_EVENT_TYPE_HEARTBEAT' });
    stream.write({ type: 'WATCH_EVENT_TYPE_UPDATED', vm: vm({ state: 'VM_STATE_STARTING', generation: 2 }) });
  });
  endingAfter(2);
  const result = await cli(start, { server: server.address });
  t.match(result, { code: 0, out: 'city/web is RUNNING on sofia-1-a, start took 2s\n' });
  const lines = result.err.trimEnd().split('\n');
  t.ok(lines.includes('start city/web  STARTING on sofia-1-a'), result.err);
  t.equal(lines.at(-1), 'start city/web  SUCCEEDED');
  t.equal(new Set(lines).size, lines.length, 'no line twice');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(result.err, /\x1b/);
});

t.test('on a terminal one block is rewritten and taken away', async (t) => {
  endingAfter(2);
  const result = await cli(start, { server: server.address, terminal: 'all', columns: 36 });
  t.equal(result.code, 0);
  t.ok(result.err.includes('\x1b[1A\x1b[J'), 'goes up and erases');
  t.ok(result.err.endsWith('\x1b[1A\x1b[J'), 'and leaves nothing behind');
  t.match(result.err, /start city\/web {2}STARTING on sofia-…\n/, 'cut to the width of the terminal');
  t.match(result.out, /^city\/web is RUNNING/);
});

t.test('the waiting goes on without details when they cannot be had', async (t) => {
  server.onStream('VmService', 'WatchVms', () => {
    throw new Refused(status.PERMISSION_DENIED, 'no');
  });
  endingAfter(1);
  t.match(await cli(start, { server: server.address }), { code: 0, err: /start city\/web {2}step 1\n/ });
});

t.test('the waiting survives a scheduler that dies', async (t) => {
  let calls = 0;
  server.on('OperationService', 'WaitOperation', () => {
    calls++;
    if (calls === 1) {
      server.down();
      setTimeout(() => void server.up(), 300);
    }
    return { operation: calls < 3 ? operation({ verb: 'start' }) : succeeded({ verb: 'start' }) };
  });
  t.match(await cli(start, { server: server.address }), { code: 0, out: /is RUNNING/, err: /Trying again/ });
});

t.test('when the time is up the operation goes on, and how to look again is said: exit code 6', async (t) => {
  endingAfter(Number.POSITIVE_INFINITY);
  const result = await cli([...start, '--timeout', '700ms'], { server: server.address });
  t.match(result, {
    code: 6,
    out: '',
    err: /secovia: the time is up: start city\/web has not ended\. The operation goes on\. Look again with: secovia operation wait op-1\n$/,
  });
});

t.test('a scheduler that answers at once without an end is not asked without a pause', async (t) => {
  server.on('OperationService', 'WaitOperation', () => ({ operation: operation({ verb: 'start' }) }));
  const before = server.sent('OperationService', 'WaitOperation').length;
  await cli([...start, '--timeout', '1s'], { server: server.address });
  t.ok(server.sent('OperationService', 'WaitOperation').length - before <= 7);
});

t.test('one that fails to be waited for ends the waiting for all', async (t) => {
  server.on('VmService', 'StartVm', ({ name }) => ({
    vm: vm({ name }),
    operation: operation({
      name: name.endsWith('/a') ? 'operations/op-a' : 'operations/op-b',
      verb: 'start',
    }),
  }));
  server.on('OperationService', 'WaitOperation', async ({ name }) => {
    if (name === 'operations/op-a') throw new Refused(status.NOT_FOUND, 'forgotten');
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { operation: operation({ name, verb: 'start' }) };
  });
  const result = await cli(['vm', 'start', 'city/a', 'city/b', '--wait'], { server: server.address });
  t.match(result, {
    code: 3,
    err: /The operations go on\. Look again with: secovia operation wait op-a op-b\n$/,
  });
  server.on('VmService', 'StartVm', () => ({ vm: vm(), operation: operation({ verb: 'start' }) }));
});

t.test('as a process: Ctrl-C leaves the operation running and says so: exit code 130', async (t) => {
  endingAfter(Number.POSITIVE_INFINITY);
  const running = spawnCli(start, { SECOVIA_SERVER: server.address });
  await running.until(({ err }) => err.includes('step 2'));
  running.child.kill('SIGINT');
  t.equal(await running.ended, 130);
  t.equal(running.soFar.out, '');
  t.match(
    running.soFar.err,
    /secovia: interrupted\. The operation goes on\. Look again with: secovia operation wait op-1\n$/,
  );
  t.equal(server.sent('OperationService', 'CancelOperation').length, 0);
});

t.test(
  'a scheduler that is away when the time is up does not make it longer, nor is it the reason',
  async (t) => {
    let asked = 0;
    server.on('OperationService', 'WaitOperation', () => {
      asked += 1;
      throw new Refused(status.UNAVAILABLE, 'it is going down');
    });
    const result = await cli([...start, '--timeout', '1s'], { server: server.address });
    t.match(result, {
      code: 6,
      err: /the time is up: start city\/web has not ended\..*The operation goes on/,
    });
    t.ok(asked > 1, 'it is tried again meanwhile');
  },
);
