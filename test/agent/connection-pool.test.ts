import t from 'tap';
import { ConnectionPool } from '../../agent/hypervisor/libvirt/connection-pool.js';
import { type Connection, DEADLINE_CODE, LibvirtError } from '../../native/index.js';

const timedOut = () => new LibvirtError('no answer', DEADLINE_CODE, 0, 2, 'domainCreate');

/** Connections that count who uses them; the pool needs nothing of them but `close`. */
function setUp(size: number, mostStuck?: number) {
  let opened = 0;
  const closed: (() => void)[] = [];
  const inUse = new Set<Connection>();
  const pool = new ConnectionPool({
    size,
    ...(mostStuck === undefined ? {} : { mostStuck }),
    open: async () => {
      opened++;
      const close = () => new Promise<void>((resolve) => closed.push(resolve));
      return { uri: `c${opened}`, close } as Partial<Connection> as Connection;
    },
  });
  /** A call that holds its connection until it is let go of. */
  const call = () => {
    let finish: (error?: Error) => void = () => undefined;
    const held = new Promise<void>((resolve, reject) => {
      finish = (error) => (error === undefined ? resolve() : reject(error));
    });
    const done = pool.run(async (connection) => {
      if (inUse.has(connection)) throw new Error('two callers on one connection');
      inUse.add(connection);
      try {
        await held;
      } finally {
        inUse.delete(connection);
      }
      return connection.uri;
    });
    done.catch(() => undefined);
    return { done, finish };
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { pool, call, inUse, turn, closed, opened: () => opened };
}

t.test('one caller to a connection, no more connections than allowed, first come first served', async (t) => {
  const { call, inUse, turn, opened } = setUp(3);
  const calls = Array.from({ length: 10 }, () => call());
  await turn();
  t.equal(inUse.size, 3);
  for (const [index, { finish, done }] of calls.entries()) {
    finish();
    await done;
    await turn();
    t.equal(inUse.size, Math.min(3, 9 - index));
  }
  t.equal(opened(), 3);
  const { finish, done } = call();
  finish();
  await done;
  t.equal(opened(), 3, 'idle ones are used again');
});

t.test('a connection whose call was given up is not used again, and another takes its place', async (t) => {
  const { call, turn, inUse, closed, opened } = setUp(1);
  const first = call();
  const second = call();
  await turn();
  t.equal(inUse.size, 1);
  first.finish(timedOut());
  await t.rejects(first.done, /no answer/);
  await turn();
  t.equal(opened(), 2);
  t.equal(closed.length, 1, 'it goes when libvirt answers');
  second.finish();
  t.equal(await second.done, 'c2');
  const third = call();
  third.finish(new LibvirtError('refused', 55, 0, 2, 'domainCreate'));
  await t.rejects(third.done, /refused/);
  t.equal(opened(), 2, 'a plain refusal costs nothing');
});

t.test('when too many calls hang, the next is not even tried, until some come back', async (t) => {
  const { call, turn, closed } = setUp(1);
  for (let hung = 0; hung < 32; hung++) {
    const { finish, done } = call();
    finish(timedOut());
    await t.rejects(done, /no answer/);
  }
  await t.rejects(call().done, {
    name: 'HypervisorError',
    fault: 'timeout',
    message: /32 calls to libvirt hang/,
  });
  closed[0]?.();
  await turn();
  const again = call();
  again.finish();
  await again.done;
  t.pass('and then it is');
});

t.test('fewer may hang where it is said so', async (t) => {
  const { call } = setUp(1, 2);
  for (let hung = 0; hung < 2; hung++) {
    const { finish, done } = call();
    finish(timedOut());
    await t.rejects(done, /no answer/);
  }
  await t.rejects(call().done, { fault: 'timeout', message: /2 calls to libvirt hang/ });
});

t.test('whoever waits when too many hang is refused, and does not hang too', async (t) => {
  const { call, turn, opened, closed } = setUp(1, 1);
  const [first, second, third] = [call(), call(), call()];
  await turn();
  first.finish(timedOut());
  await t.rejects(first.done, /no answer/);
  for (const { done } of [second, third])
    await t.rejects(done, { fault: 'timeout', message: 'a call to libvirt hangs' });
  t.equal(opened(), 1);
  closed[0]?.();
  await turn();
  const again = call();
  again.finish();
  t.equal(await again.done, 'c2');
});

t.test('while a call about something hangs, no other about the same is made', async (t) => {
  const { pool, turn, closed } = setUp(4);
  let made = 0;
  const about = (what: string | undefined, error?: Error) =>
    pool.run(async () => {
      made++;
      if (error !== undefined) throw error;
    }, what);
  await t.rejects(about('one', timedOut()), /no answer/);
  await t.rejects(about('one'), { fault: 'timeout', message: /an earlier call to libvirt about one hangs/ });
  t.equal(made, 1);
  await about('two');
  await about(undefined);
  await t.rejects(about('two', new LibvirtError('refused', 55, 0, 2, 'domainInfo')), /refused/);
  await about('two');
  closed[0]?.();
  await turn();
  await about('one');
  t.equal(made, 6);
});

t.test('at its end everybody who waits is told', async (t) => {
  const { pool, call, turn } = setUp(1);
  const running = call();
  const waiting = call();
  await turn();
  t.equal(pool.end(new Error('over')).length, 1, 'the connections are handed over for closing');
  await t.rejects(waiting.done, /over/);
  await t.rejects(call().done, /over/);
  running.finish();
  await running.done;
});
