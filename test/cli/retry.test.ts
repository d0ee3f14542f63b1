import { status } from '@grpc/grpc-js';
import t from 'tap';
import { operation, vm } from './fixtures.js';
import { cli, eventually } from './run-cli.js';
import { Refused, ScriptedServer } from './scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());

const size = ['--vcpus', '1', '--memory', '128MiB', '--disk', '1GiB', '--image', 'tiny'];
const create = ['vm', 'create', 'city/web', ...size];

/** Fails that often and then answers. */
function failing(times: number, failure: () => Error) {
  let left = times;
  server.received.length = 0;
  server.on('VmService', 'CreateVm', () => {
    if (left-- > 0) throw failure();
    return { vm: vm(), operation: operation() };
  });
}

t.test('a change is tried again with the same request id, and says so once', async (t) => {
  failing(3, () => new Refused(status.UNAVAILABLE, 'the scheduler is starting'));
  const result = await cli(create, { server: server.address });
  t.match(result, { code: 0, out: /^creating city\/web/ });
  t.match(result.err, /^secovia: the scheduler is starting\. Trying again for up to (30|2\d)s\.\n$/);
  const sent = server.sent('VmService', 'CreateVm');
  t.equal(sent.length, 4);
  t.equal(new Set(sent.map(({ requestId }) => requestId)).size, 1);
});

t.test("the user's own request id is used as it is", async (t) => {
  const id = '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001';
  failing(1, () => new Refused(status.UNAVAILABLE, 'busy'));
  t.match(await cli([...create, '--request-id', id], { server: server.address }), { code: 0 });
  t.same(
    server.sent('VmService', 'CreateVm').map(({ requestId }) => requestId),
    [id, id],
  );
});

t.test('an answer that was lost with the connection is asked for again', async (t) => {
  server.received.length = 0;
  let received = 0;
  server.on('VmService', 'CreateVm', async () => {
    received++;
    // The first one is carried out, and its answer never arrives.
    if (received === 1) await new Promise(() => undefined);
    return { vm: vm(), operation: operation() };
  });
  const running = cli(create, { server: server.address });
  await eventually(() => received === 1, 'the first try');
  server.down();
  await server.up();
  const result = await running;
  t.match(result, { code: 0, err: /cannot reach the scheduler at .*: the connection broke\. Trying again/ });
  const [first, second] = server.sent('VmService', 'CreateVm');
  t.equal(first?.requestId, second?.requestId);
});

t.test('a scheduler that comes up later is waited for', async (t) => {
  failing(0, () => new Error('never'));
  server.down();
  const running = cli(['vm', 'create', 'city/web', ...size], {
    server: server.address,
    watch: ({ err }) => {
      if (err.includes('nothing listens there')) up ??= server.up();
    },
  });
  let up: Promise<void> | undefined;
  t.match(await running, { code: 0, err: /nothing listens there\. Trying again for up to (30|2\d)s/ });
  await up;
});

t.test('--timeout bounds the tries, and the last word names the request id', async (t) => {
  failing(Number.POSITIVE_INFINITY, () => new Refused(status.UNAVAILABLE, 'no leader'));
  const result = await cli([...create, '--timeout', '3s'], { server: server.address });
  t.equal(result.code, 5);
  t.match(result.err, /secovia: no leader \(UNAVAILABLE\)\. Try again later\.\n$/);
  t.ok(server.sent('VmService', 'CreateVm').length >= 3);
  server.down();
  const away = await cli([...create, '--timeout', '2s'], { server: server.address });
  t.match(away, {
    code: 5,
    err: /that the scheduler runs\. Repeat it safely with --request-id [0-9a-f-]{36}\.\n$/,
  });
  await server.up();
});

t.test('the pause that the scheduler asks for is kept, or given up on', async (t) => {
  failing(1, () => new Refused(status.UNAVAILABLE, 'hosts come back', { retryDelayMs: 700 }));
  const begun = Date.now();
  t.match(await cli(create, { server: server.address }), { code: 0 });
  t.ok(Date.now() - begun >= 700);
  failing(9, () => new Refused(status.UNAVAILABLE, 'hosts come back', { retryDelayMs: 60_000 }));
  const hopeless = await cli([...create, '--timeout', '2s'], { server: server.address });
  t.match(hopeless, { code: 5, err: 'secovia: hosts come back (UNAVAILABLE). Try again in 1m.\n' });
});

t.test('what is refused is not tried again', async (t) => {
  for (const code of [
    status.ABORTED,
    status.FAILED_PRECONDITION,
    status.RESOURCE_EXHAUSTED,
    status.INTERNAL,
  ]) {
    failing(1, () => new Refused(code, 'no'));
    t.not((await cli(create, { server: server.address })).code, 0, status[code]);
    t.equal(server.sent('VmService', 'CreateVm').length, 1, status[code]);
  }
});

t.test('reads are tried again too', async (t) => {
  let left = 2;
  server.on('VmService', 'ListVms', () => {
    if (left-- > 0) throw new Refused(status.UNAVAILABLE, 'starting');
    return { vms: [vm()] };
  });
  t.match(await cli(['vm', 'list'], { server: server.address }), { code: 0, out: /city\/web/ });
});

t.test('whoever calls too often waits as long as it is told, and then goes on', async (t) => {
  failing(
    2,
    () => new Refused(status.RESOURCE_EXHAUSTED, 'this caller makes too many calls', { retryDelayMs: 10 }),
  );
  const result = await cli(create, { server: server.address });
  t.match(result, { code: 0, err: /too many calls.*Trying again/ });
});

t.test('Ctrl-C between two tries ends it, and says what is not known', async (t) => {
  failing(99, () => new Refused(status.UNAVAILABLE, 'starting', { retryDelayMs: 20_000 }));
  const interruption = new AbortController();
  const result = await cli(create, {
    server: server.address,
    interrupted: interruption.signal,
    watch: ({ err }) => err.includes('Trying again') && interruption.abort(),
  });
  t.match(result, {
    code: 130,
    err: /whether it was carried out is not known\. Repeat it safely with --request-id/,
  });
});

t.test('reports and exports wait for a scheduler that is away, until they have begun', async (t) => {
  let tries = 0;
  server.onStream('UsageService', 'ReportUsage', (_request, stream) => {
    tries += 1;
    if (tries < 3) throw new Refused(status.UNAVAILABLE, 'it is starting');
    stream.end();
  });
  const usage = await cli(['usage', '--timeout', '10s'], { server: server.address });
  t.match(usage.err, /it is starting.*Trying again for up to (10|[5-9])s/);
  t.equal(tries, 3);

  let pieces = 0;
  server.onStream('AuditService', 'ExportAudit', (_request, stream) => {
    pieces += 1;
    stream.write({ piece: Buffer.from('half a file') });
    throw new Refused(status.UNAVAILABLE, 'it is going down');
  });
  const broken = await cli(['audit', 'export', '--timeout', '10s'], { server: server.address });
  t.match(broken, { code: 5, out: 'half a file' });
  t.equal(pieces, 1, 'what has begun is not begun again');
  const away = await cli(['audit', 'export', '--timeout', '700ms'], { server: '127.0.0.1:1' });
  t.match(away, { code: 5, err: /Trying again for up to/ });
});
