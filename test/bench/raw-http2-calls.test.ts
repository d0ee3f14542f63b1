import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Test, test } from 'tap';
import { socketTo } from './access.js';
import { RawCalls } from './raw-http2-calls.js';

/** Calls that end one after the other, as [tag, whether there was a message]. */
async function callsTo(t: Test, mostStreams: number, handle: (stream: ServerHttp2Stream) => void) {
  const server = createServer({ settings: { maxConcurrentStreams: mostStreams } });
  server.on('stream', handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = await socketTo(port, null);
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  const ended: [number, boolean][] = [];
  let heard = () => {};
  const calls = new RawCalls(socket, {
    port,
    path: '/bench.Echo/Echo',
    next: () => Buffer.alloc(8000, 1),
    ended: (tag, withMessage) => {
      ended.push([tag, withMessage]);
      heard();
    },
  });
  const until = (count: number) =>
    new Promise<[number, boolean][]>((resolve) => {
      heard = () => ended.length === count && resolve(ended);
      heard();
    });
  return { calls, until };
}

test('calls wait while the server takes no more, and none is lost or refused', async (t) => {
  let answered = 0;
  let held: ServerHttp2Stream[] = [];
  // After the first, each is answered only when there is another: two have to be under way, and a third is refused.
  const { calls, until } = await callsTo(t, 2, (stream) => {
    stream.on('error', () => {});
    stream.resume().on('end', () => {
      held.push(stream);
      if (answered > 0 && held.length < 2) return;
      for (const one of held) {
        one.respond({ ':status': 200 });
        one.end(Buffer.alloc(5));
        answered += 1;
      }
      held = [];
    });
  });
  // What the server takes is known when the first has been answered.
  calls.call(0);
  calls.flush();
  await until(1);
  for (let tag = 1; tag <= 40; tag += 1) calls.call(tag);
  calls.flush();
  const ended = await until(41);
  t.same(new Set(ended.map(([tag]) => tag)), new Set(Array.from({ length: 41 }, (_, tag) => tag)));
  t.ok(ended.every(([, withMessage]) => withMessage));
  t.equal(calls.underWay, 0);
});

test('a call that is answered without a message, or cut off, was refused', async (t) => {
  let count = 0;
  const { calls, until } = await callsTo(t, 10, (stream) => {
    count += 1;
    stream.on('error', () => {});
    if (count === 1) stream.respond({ ':status': 200 }, { endStream: true });
    else stream.close(2);
  });
  calls.call(1);
  calls.call(2);
  calls.flush();
  t.same(
    (await until(2)).sort(([one], [other]) => one - other),
    [
      [1, false],
      [2, false],
    ],
  );
});
