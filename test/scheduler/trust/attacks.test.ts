/** What somebody without the right to can try on the port of a real scheduler. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import type { Credentials } from '../../../proto/credentials.js';
import { makeAuthority } from '../../../scheduler/trust/authority-folder.js';
import { Api, definitionOf } from '../api/client.js';
import { SecureScheduler, signedBy } from '../api/secure-scheduler.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { eventually, within } from '../within.js';

const secure = await SecureScheduler.start(t);
const { api, authority, address } = secure;
const port = Number(address.split(':')[1]);
const day = 24 * 3600 * 1000;
const site = { siteId: 'evil', site: { partner: 'p', country: 'HR' } };

/** Nothing of what was tried has left a trace. */
async function isUnharmed(t: Test, before: number): Promise<void> {
  t.equal(await api.sequence(), before, 'the journal has not moved');
}
function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  return once(socket, 'connect').then(() => socket);
}

t.test('plain text gets no answer', async (t) => {
  const before = await api.sequence();
  const plain = new Api(address);
  t.teardown(() => plain.close());
  const call = plain.call('CreateSite', site);
  call.catch(() => {});
  const socket = await open();
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  const heard: Buffer[] = [];
  socket.on('data', (data: Buffer) => heard.push(data));
  await within(10_000, 'the connection is ended', once(socket, 'close'));
  t.notMatch(Buffer.concat(heard).toString('latin1'), /HTTP|grpc/i, 'at most an alert of TLS');
  await isUnharmed(t, before);
});

t.test('TLS 1.2 gets no further than its first message', async (t) => {
  const { key, chain: cert, authority: ca } = secure.credentials;
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ca,
    key,
    cert,
    maxVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
  });
  const [error] = (await within(10_000, 'it is refused', once(socket, 'error'))) as [NodeJS.ErrnoException];
  t.match(error.code, /PROTOCOL_VERSION/);
});

t.test('wrong certificates are refused on every call, with the reason', async (t) => {
  const before = await api.sequence();
  const stranger = await makeAuthority(temporaryFolder(t), 'lab', null, Date.now());
  const trusting = (credentials: Credentials): Credentials => ({
    ...credentials,
    authority: authority.rootPem,
    federation: 'lab',
  });
  for (const [what, credentials, reason] of [
    ['another authority', await signedBy(stranger, 'spiffe://lab/admin/root'), 'WRONG_AUTHORITY'],
    ['another federation', await signedBy(authority, 'spiffe://other/admin/root'), 'WRONG_FEDERATION'],
    ['the scheduler', await signedBy(authority, 'spiffe://lab/scheduler'), 'NOT_A_CLIENT'],
    [
      'an administrator of yesterday',
      await signedBy(authority, 'spiffe://lab/admin/root', { nowMs: Date.now() - 2 * day, lifeMs: day }),
      'CERTIFICATE_EXPIRED',
    ],
    [
      'a host of yesterday',
      await signedBy(authority, 'spiffe://lab/host/a', { nowMs: Date.now() - 2 * day, lifeMs: day }),
      'CERTIFICATE_EXPIRED',
    ],
  ] as const) {
    const caller = secure.as(trusting(credentials));
    for (const attempt of [
      await caller.fails('CreateSite', site),
      await caller.fails('GetFederation', {}),
      await caller.fails('Join', { hostId: 'evil', site: 'sites/evil', machineId: '0'.repeat(32) }),
    ])
      t.match(attempt, { code: status.UNAUTHENTICATED, reason }, what);
  }
  await isUnharmed(t, before);
});

t.test('streams are refused as calls are', async (t) => {
  const stranger = await makeAuthority(temporaryFolder(t), 'lab', null, Date.now());
  const forged = { ...(await signedBy(stranger, 'spiffe://lab/host/a')), authority: authority.rootPem };
  const caller = secure.as(forged);
  for (const method of ['WatchVms', 'ReportUsage', 'Link'] as const) {
    const failure = await refusalOfStream(caller, method);
    t.match(failure, { code: status.UNAUTHENTICATED, details: /not signed by the authority/ }, method);
  }
});

/** How a stream ends that nothing is said on. */
async function refusalOfStream(caller: Api, method: 'WatchVms' | 'ReportUsage' | 'Link') {
  const { path, requestSerialize, responseDeserialize } = definitionOf(method);
  const stream =
    method === 'Link'
      ? caller.channel.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
      : caller.channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
  stream.on('data', () => {});
  const [error] = await within(10_000, `${method} ends`, once(stream, 'error'));
  return error;
}

t.test('a certificate that was revoked is refused at once, and its streams end', async (t) => {
  const court = await secure.identity('court', 'ROLE_AUDITOR');
  t.ok(await court.sequence());
  const { path, requestSerialize, responseDeserialize } = definitionOf('WatchVms');
  const watch = court.channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
  await within(10_000, 'the watch begins', once(watch, 'data'));
  const ended = new Promise<number>((resolve) => watch.on('status', ({ code }) => resolve(code)));
  watch.on('data', () => {});
  watch.on('error', () => {});
  await api.call('RevokeCertificates', { name: 'identities/court' });
  t.match(await court.fails('GetFederation', {}), {
    code: status.UNAUTHENTICATED,
    reason: 'CERTIFICATE_REVOKED',
  });
  t.not(await within(10_000, 'the watch ends', ended), status.OK);
  t.match(
    await court.fails('GetFederation', {}),
    { reason: 'CERTIFICATE_REVOKED' },
    'on a new connection too',
  );
  t.equal(await health(court), status.UNAUTHENTICATED);
});

/** How a question about its health ends. */
function health(caller: Api): Promise<number> {
  const same = (bytes: Buffer) => bytes;
  const check = '/grpc.health.v1.Health/Check';
  return new Promise((resolve) => {
    caller.channel.makeUnaryRequest(check, same, same, Buffer.alloc(0), (error) => resolve(error?.code ?? 0));
  });
}

t.test('whoever is nobody is told nothing, not even what there is to ask', async (t) => {
  const nobody = secure.as(null);
  const known = secure.as(secure.credentials);
  t.equal(await health(nobody), status.UNAUTHENTICATED);
  t.equal(await health(known), status.OK);
  const reflect = async (api: Api) => {
    const same = (bytes: Buffer) => bytes;
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const stream = api.channel.makeBidiStreamRequest(path, same, same);
    // list_services
    stream.write(Buffer.from([0x3a, 0x00]));
    stream.end();
    let bytes = 0;
    stream.on('data', (data: Buffer) => (bytes += data.length));
    stream.on('error', () => {});
    const ended = new Promise<number>((resolve) => stream.on('status', ({ code }) => resolve(code)));
    return { code: await within(10_000, 'it ends', ended), bytes };
  };
  t.match(await reflect(nobody), { code: status.UNAUTHENTICATED, bytes: 0 });
  t.match(await reflect(known), { code: status.OK });
});

t.test('garbage on the port harms nobody', async (t) => {
  const before = await api.sequence();
  const sockets = await Promise.all(Array.from({ length: 40 }, open));
  for (const [index, socket] of sockets.entries()) {
    if (index % 4 === 0) socket.write(randomBytes(4000));
    else if (index % 4 === 1) socket.write('GET / HTTP/1.1\r\n\r\n');
    // A record that says to be longer than it may be; and half of one, and gone.
    else if (index % 4 === 2) socket.write(Buffer.from([22, 3, 3, 0xff, 0xff, 1, 2, 3]));
    else socket.end(Buffer.from([22, 3, 1]));
  }
  await isUnharmed(t, before);
  for (const socket of sockets) socket.destroy();
  await isUnharmed(t, before);
});

t.test('handshakes that nobody finishes keep nobody else out', async (t) => {
  const silent = await Promise.all(Array.from({ length: 1500 }, open));
  let ended = 0;
  for (const socket of silent) socket.once('close', () => (ended += 1));
  const late = secure.as(secure.credentials);
  t.ok(await late.sequence(), 'a new connection is made');
  t.ok(await api.sequence(), 'and the old one serves');
  await eventually(
    'the oldest have been ended',
    () => ended,
    (count) => count >= 400,
  );
  for (const socket of silent) socket.destroy();
});

t.test('without TLS a scheduler is for its own machine', async (t) => {
  for (const listen of ['0.0.0.0:7443', '[::]:7443', '192.0.2.1:7443', 'scheduler.example:7443']) {
    const { status: code, stderr } = runProgram([
      'run',
      '--insecure',
      '--data-dir',
      temporaryFolder(t),
      '--listen',
      listen,
    ]);
    t.equal(code, 2, listen);
    t.match(stderr, /--insecure: works on a loopback address only, and listen is .*; listen on 127\.0\.0\.1/);
  }
  const folder = temporaryFolder(t);
  t.match(runProgram(['run', '--data-dir', folder]), {
    status: 1,
    stderr:
      /there is no authority in .*secovia-scheduler init .*or, on this machine alone, run with --insecure/,
  });
});
