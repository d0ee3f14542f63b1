import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import {
  DEADLINE_CODE,
  ErrorCode,
  type LibvirtEvent,
  nativeCounters,
  openConnection,
} from '../../native/index.js';
import { Procedure, stringAnswer } from './mute-daemon.js';
import { startMuteDaemon, until } from './opened.js';

const counters = () => {
  const now = nativeCounters();
  if (!now) throw new Error('the addon is not built');
  return now;
};

test('a call without an answer rejects at its deadline, and the late answer harms nobody', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  const start = performance.now();
  await t.rejects(connection.hostname({ deadlineMs: 150 }), {
    name: 'LibvirtError',
    code: DEADLINE_CODE,
    domain: 0,
    level: 2,
    call: 'hostname',
    message: /within 150 ms/,
  });
  const tookMs = performance.now() - start;
  t.ok(tookMs >= 149 && tookMs < 10_000, `took ${tookMs} ms`);
  t.match(counters(), { stuckThreads: 1, pendingCalls: 0 });

  daemon.pending.shift()?.answer(stringAnswer('too late'));
  await until(() => counters().stuckThreads === 0);
  const answered = connection.hostname();
  await daemon.until(() => daemon.pending.length === 1);
  daemon.pending.shift()?.answer(stringAnswer('in time'));
  t.equal(await answered, 'in time', 'the connection is as good as before');
  await connection.close();
  await until(() => counters().threads === 0);
  t.match(counters(), { connections: 0, stuckThreads: 0, unreleasedReferences: 0 });
});

test('deadlines count from the call, in any order, for calls that wait for a thread as well', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  const order: number[] = [];
  const calls = [400, 100, 300, 200].flatMap((deadlineMs) =>
    Array.from({ length: 10 }, () =>
      t.rejects(
        connection.hostname({ deadlineMs }).finally(() => order.push(deadlineMs)),
        { code: DEADLINE_CODE },
      ),
    ),
  );
  await Promise.all(calls);
  t.same(
    order,
    order.toSorted((a, b) => a - b),
  );
  daemon.hangUp();
  await connection.close();
});

test('calls that hang do not delay files, nor other connections', async (t) => {
  const [hung, healthy] = [await startMuteDaemon(t), await startMuteDaemon(t)];
  healthy.refusal = { code: 9, domain: 10, message: 'answered' };
  const connection = await openConnection(hung.uri);
  const other = await openConnection(healthy.uri);
  const calls = Array.from({ length: 100 }, () => connection.hostname({ deadlineMs: 5000 }));
  const rejected = Promise.all(calls.map((call) => t.rejects(call, { code: DEADLINE_CODE })));
  await hung.until(() => hung.pending.length > 0);

  const file = fileURLToPath(import.meta.url);
  await Promise.all(Array.from({ length: 16 }, () => readFile(file)));
  await t.rejects(other.hostname(), { code: 9, message: 'answered' });
  t.match(counters(), { pendingCalls: 100 }, 'none of which has reached its deadline');
  await rejected;
  hung.hangUp();
  await Promise.all([connection.close(), other.close()]);
  await until(() => counters().threads === 0);
});

test('a connection with too many calls that hang says so at once', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  for (let round = 0; counters().stuckThreads < 64; round++) {
    if (round > 10) throw new Error(`only ${counters().stuckThreads} threads hang`);
    const calls = Array.from({ length: 16 }, () => connection.hostname({ deadlineMs: 300 }));
    await Promise.all(calls.map((call) => t.rejects(call, { code: DEADLINE_CODE })));
  }
  const start = performance.now();
  await t.rejects(connection.hostname({ deadlineMs: 10_000 }), {
    code: ErrorCode.RESOURCE_BUSY,
    message: /64 calls of this connection hang/,
  });
  t.ok(performance.now() - start < 5000);
  const another = await openConnection(daemon.uri);
  t.equal(await another.isAlive(), true, 'a new connection works');
  await another.close();
  daemon.hangUp();
  await until(() => counters().stuckThreads === 0);
  await connection.close();
});

test('an open that hangs rejects, and what it opens later is closed again', async (t) => {
  const daemon = await startMuteDaemon(t);
  daemon.greets = false;
  await t.rejects(openConnection(daemon.uri, { deadlineMs: 100 }), {
    code: DEADLINE_CODE,
    call: 'openConnection',
  });
  t.equal(daemon.openSockets, 1);
  daemon.greets = true;
  daemon.pending.shift()?.answer(Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]));
  await daemon.until(() => daemon.openSockets === 0);
  t.ok(daemon.called.includes(Procedure.CONNECT_OPEN), 'it did open');
  t.ok(daemon.called.includes(Procedure.CONNECT_CLOSE), 'and took leave');
  await until(() => counters().threads === 0);
});

test('a daemon that greets nobody does not use up the process', async (t) => {
  const daemon = await startMuteDaemon(t);
  daemon.greets = false;
  const attempts = Array.from({ length: 40 }, () => openConnection(daemon.uri, { deadlineMs: 500 }));
  const results = await Promise.allSettled(attempts);
  const codes = results.map((result) => (result.status === 'rejected' ? result.reason.code : 'opened'));
  t.equal(codes.filter((code) => code === DEADLINE_CODE).length, 32);
  t.equal(codes.filter((code) => code === ErrorCode.RESOURCE_BUSY).length, 8);
  daemon.hangUp();
  await until(() => counters().threads === 0);
  daemon.greets = true;
  const connection = await openConnection(daemon.uri);
  t.equal(await connection.isAlive(), true, 'the attempts are over');
  await connection.close();
});

test('a subscription that comes about too late is taken back', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  daemon.hanging.add(Procedure.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY);
  const heard: LibvirtEvent[] = [];
  await t.rejects(
    connection.onEvent((event) => heard.push(event), { deadlineMs: 100 }),
    { code: DEADLINE_CODE },
  );
  daemon.hanging.clear();
  daemon.pending.shift()?.answer(Buffer.alloc(4));
  const taken = Procedure.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY;
  await daemon.until(() => daemon.called.filter((procedure) => procedure === taken).length === 6);
  await connection.close();
  t.equal(counters().unreleasedReferences, 0);
  t.same(heard, []);
});

test('keepalive ends the calls of a daemon that stopped living', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri, { keepaliveIntervalS: 1, keepaliveCount: 1 });
  const lost = new Promise<number>((resolve) => {
    connection.onClose(resolve);
  });
  daemon.lives = false;
  await t.rejects(connection.hostname(), { code: ErrorCode.INTERNAL_ERROR, message: /keepalive timeout/ });
  t.equal(await lost, 2);
  await connection.close();
});
