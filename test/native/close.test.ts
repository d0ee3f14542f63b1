import { test } from 'tap';
import { DEADLINE_CODE, ErrorCode, nativeCounters, openConnection } from '../../native/index.js';
import { Procedure, stringAnswer } from './mute-daemon.js';
import { openTest, startMuteDaemon, TEST_URI, until } from './opened.js';

const CLOSED = {
  name: 'LibvirtError',
  code: ErrorCode.INVALID_CONN,
  message: /^the connection to .* is closed$/,
};

test('a closed connection refuses calls, and closing it twice is no error', async (t) => {
  const connection = await openConnection(TEST_URI);
  const first = connection.close();
  await t.rejects(
    connection.hostname(),
    { ...CLOSED, call: 'hostname' },
    'from the moment of the call to close',
  );
  await Promise.all([first, connection.close()]);
  await connection.close();
  await t.rejects(connection.domainList(), { ...CLOSED, call: 'domainList' });
  await t.rejects(
    connection.onEvent(() => {}),
    CLOSED,
  );
  await until(() => nativeCounters()?.threads === 0);
  t.match(nativeCounters(), { connections: 0, pendingCalls: 0, unreleasedReferences: 0 });
});

test('close lets running calls finish and refuses those that wait', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  const calls = Array.from({ length: 40 }, () => connection.hostname());
  const settled = Promise.allSettled(calls);
  await daemon.until(() => daemon.pending.length === 16);
  const closed = connection.close();
  t.notOk(daemon.called.includes(Procedure.CONNECT_CLOSE));
  for (const call of daemon.pending.splice(0)) call.answer(stringAnswer('done'));
  await closed;
  const results = await settled;
  t.equal(results.filter((result) => result.status === 'fulfilled' && result.value === 'done').length, 16);
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  t.equal(refused.length, 24);
  for (const reason of refused) t.match(reason, CLOSED);
  t.equal(daemon.called.at(-1), Procedure.CONNECT_CLOSE);
  await daemon.until(() => daemon.openSockets === 0);
  await until(() => nativeCounters()?.threads === 0);
  t.equal(nativeCounters()?.unreleasedReferences, 0);
});

test('close gives up at its deadline, and the handle goes when the last call comes back', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  await connection.onEvent(() => {});
  const hung = t.rejects(connection.hostname({ deadlineMs: 50 }), { code: DEADLINE_CODE });
  await hung;
  await t.rejects(connection.close({ deadlineMs: 100 }), { code: DEADLINE_CODE, call: 'close' });
  await t.rejects(connection.close(), { code: DEADLINE_CODE }, 'a second close tells the same');
  t.equal(daemon.openSockets, 1);
  daemon.pending.shift()?.answer(stringAnswer('at last'));
  await daemon.until(() => daemon.openSockets === 0);
  t.equal(daemon.called.at(-1), Procedure.CONNECT_CLOSE);
  await until(() => nativeCounters()?.threads === 0);
  t.equal(nativeCounters()?.unreleasedReferences, 0);
});

test('a lost connection is told once to each listener, also to one that comes later', async (t) => {
  const daemon = await startMuteDaemon(t);
  const connection = await openConnection(daemon.uri);
  const reasons: number[] = [];
  connection.onClose((reason) => reasons.push(reason));
  await connection.onEvent(() => {});
  const call = t.rejects(connection.hostname(), {
    name: 'LibvirtError',
    level: 2,
    message: /End of file|closed/,
  });
  await daemon.until(() => daemon.pending.length === 1);
  daemon.hangUp();
  await call;
  await until(() => reasons.length > 0);
  const late = await new Promise((resolve) => {
    connection.onClose(resolve);
  });
  t.same([...reasons, late], [1, 1], 'virConnectCloseReason: end of file');
  t.equal(await connection.isAlive(), false);
  await t.rejects(connection.hostname(), {
    code: ErrorCode.INTERNAL_ERROR,
    message: /client socket is closed/,
  });
  await connection.close();
  await until(() => nativeCounters()?.threads === 0);
  t.equal(nativeCounters()?.unreleasedReferences, 0);
});

test('its own close is no loss', async (t) => {
  const connection = await openTest(t);
  const reasons: number[] = [];
  connection.onClose((reason) => reasons.push(reason));
  await connection.close();
  t.same(reasons, []);
});

test('connections come and go without leaving threads or handles', async (t) => {
  for (let round = 0; round < 50; round++) {
    const connections = await Promise.all(Array.from({ length: 4 }, () => openConnection(TEST_URI)));
    const calls = connections.flatMap((each) => [each.hostname(), each.domainList(), each.onEvent(() => {})]);
    const settled = Promise.allSettled(calls);
    await Promise.all(connections.map((each) => each.close()));
    await settled;
  }
  await until(() => nativeCounters()?.threads === 0);
  t.match(nativeCounters(), { connections: 0, pendingCalls: 0, stuckThreads: 0, unreleasedReferences: 0 });
});
