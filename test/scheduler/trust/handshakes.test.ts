import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'tap';
import { type HandshakeLimits, Handshakes } from '../../../scheduler/trust/handshakes.js';
import type { Scope } from '../scope.js';
import { eventually } from '../within.js';

const so = (what: string, isSo: () => boolean) => eventually(what, isSo, (answer) => answer);

const patient = 3600_000;

/** A server whose handshakes end when the test says so, with those that were begun. */
async function begin(t: Scope, limits: Partial<HandshakeLimits>) {
  const begun: Socket[] = [];
  const arrived: Socket[] = [];
  const handshakes = new Handshakes(
    { underWay: 2, slowMs: patient, silentMs: patient, waitMs: patient, waiting: 100, ...limits },
    (socket) => begun.push(socket),
  );
  const server = createServer((socket) => {
    arrived.push(socket);
    socket.on('error', () => {});
    handshakes.take(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  t.teardown(() => {
    for (const socket of [...clients, ...arrived]) socket.destroy();
    server.close();
  });
  const client = async (words?: string) => {
    const socket = connect(port, '127.0.0.1');
    clients.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    if (words !== undefined) socket.write(words);
    return socket;
  };
  return { begun, arrived, handshakes, client };
}

test('of connections that come together a few are begun, and the others as these end', async (t) => {
  const { begun, handshakes, client } = await begin(t, {});
  for (let number = 1; number <= 4; number += 1) {
    await client(`hello ${number}`);
    await so('it is begun, or waits', () => begun.length + handshakes.waiting === number);
  }
  t.equal(begun.length, 2);
  t.equal(handshakes.waiting, 2);
  handshakes.ended(begun[0] as Socket);
  await so('the third is begun', () => begun.length === 3);
  handshakes.ended(begun[0] as Socket);
  begun[1]?.destroy();
  await so('the fourth is begun', () => begun.length === 4);
  t.equal(handshakes.waiting, 0);
  t.equal(String(begun[2]?.read()), 'hello 3', 'with what it had said');
  t.equal(String(begun[3]?.read()), 'hello 4');
});

test('one that hangs up before its turn is never begun', async (t) => {
  const { begun, arrived, handshakes, client } = await begin(t, { underWay: 1 });
  await client('first');
  await so('the first is begun', () => begun.length === 1);
  const impatient = await client('impatient');
  await so('one waits', () => handshakes.waiting === 1);
  impatient.destroy();
  await so('none waits', () => handshakes.waiting === 0);
  const gone = await client();
  gone.end('gone before anybody has looked');
  await so('it is let go', () => arrived.length === 3 && arrived[2]?.destroyed === true);
  await client('last');
  await so('one waits', () => handshakes.waiting === 1);
  handshakes.ended(begun[0] as Socket);
  await so('the second is begun', () => begun.length === 2);
  t.equal(String(begun[1]?.read()), 'last');
});

test('one that hangs up in the moment in which it has spoken is not begun, though there is room', async (t) => {
  const { begun, arrived, client } = await begin(t, {});
  const gone = await client();
  gone.end('already gone');
  await so('it is let go', () => arrived[0]?.destroyed === true);
  t.same(begun, []);
});

test('one that says nothing, or too much, keeps nobody waiting', async (t) => {
  const { begun, arrived, client } = await begin(t, { underWay: 1, silentMs: 100 });
  await client();
  await so('it has arrived', () => arrived.length === 1);
  await client('hello');
  await so('the first is begun', () => begun.length === 1);
  await so('it is let go', () => arrived[0]?.destroyed === true);
  t.equal(begun[0]?.destroyed, false, 'whoever was begun is not let go for that');
  await client('x'.repeat(20_000));
  await so('it is let go', () => arrived[2]?.destroyed === true);
  t.equal(begun.length, 1);
});

test('one whose turn does not come in time is let go', async (t) => {
  const { begun, client } = await begin(t, { underWay: 1, waitMs: 100 });
  await client('first');
  await so('the first is begun', () => begun.length === 1);
  const second = await client('second');
  await once(second, 'close');
  t.equal(begun.length, 1);
});

test('a handshake that goes on for long makes room for others', async (t) => {
  const { begun, client } = await begin(t, { underWay: 1, slowMs: 50 });
  await client('slow');
  await client('next');
  await so('the second is begun', () => begun.length === 2);
  t.equal(begun[0]?.destroyed, false, 'and goes on');
});

test('when all room is taken, those that have said nothing make room, and then newer ones go', async (t) => {
  const { begun, arrived, handshakes, client } = await begin(t, { underWay: 1, waiting: 2 });
  await client('first');
  await so('the first is begun', () => begun.length === 1);
  await client();
  await so('it has arrived', () => arrived.length === 2);
  await client('second');
  await so('one waits', () => handshakes.waiting === 1);
  await client('third');
  await so('two wait', () => handshakes.waiting === 2);
  t.equal(arrived[1]?.destroyed, true, 'the silent one has gone');
  const late = await client('too many');
  await once(late, 'close');
  t.equal(handshakes.waiting, 2);
});

test('the newest and the oldest take turns', async (t) => {
  const { begun, handshakes, client } = await begin(t, { underWay: 1 });
  await client('first');
  await so('the first is begun', () => begun.length === 1);
  for (const words of ['a', 'b', 'c', 'd']) {
    const waiting = handshakes.waiting;
    await client(words);
    await so('it waits', () => handshakes.waiting === waiting + 1);
  }
  for (let count = 2; count <= 5; count += 1) {
    handshakes.ended(begun.at(-1) as Socket);
    await so('one more is begun', () => begun.length === count);
  }
  t.same(
    begun.slice(1).map((socket) => String(socket.read())),
    ['d', 'a', 'c', 'b'],
  );
});
