import { test } from 'tap';
import type { LibvirtEvent } from '../../native/index.js';
import { domainXml, openTest, until, uuidOf } from './opened.js';

const DEFINED = 0;
const UNDEFINED = 1;
const STARTED = 2;
const SUSPENDED = 3;
const RESUMED = 4;
const STOPPED = 5;

const lifecycle = (events: LibvirtEvent[]) =>
  events.flatMap((event) => (event.kind === 'lifecycle' ? [event.event] : []));

test('events tell the life of a domain in order, with its name and UUID', async (t) => {
  const connection = await openTest(t);
  const events: LibvirtEvent[] = [];
  await connection.onEvent((event) => events.push(event));
  const uuid = uuidOf(1);
  await connection.domainDefine(domainXml('watched', uuid));
  await connection.domainCreate(uuid);
  await connection.domainSuspend(uuid);
  await connection.domainResume(uuid);
  await connection.domainDestroy(uuid);
  await connection.domainUndefine(uuid);
  await until(() => lifecycle(events).includes(UNDEFINED));
  t.same(lifecycle(events), [DEFINED, STARTED, SUSPENDED, RESUMED, STOPPED, UNDEFINED]);
  t.ok(
    events.every((event) => event.kind === 'lifecycle' && event.uuid === uuid && event.name === 'watched'),
  );
});

test('each subscription hears all, and none after it was taken back', async (t) => {
  const connection = await openTest(t);
  const heard: [LibvirtEvent[], LibvirtEvent[]] = [[], []];
  const off = await connection.onEvent((event) => heard[0].push(event));
  await connection.onEvent((event) => heard[1].push(event));
  const uuid = uuidOf(2);
  await connection.domainDefine(domainXml('twice', uuid));
  await until(() => heard.every((events) => lifecycle(events).length === 1));
  await off();
  await off();
  await connection.domainCreate(uuid);
  await until(() => lifecycle(heard[1]).includes(STARTED));
  t.same(lifecycle(heard[0]), [DEFINED]);
  await connection.domainDestroy(uuid);
});

test('another connection of the same host is heard too', async (t) => {
  const [watching, acting] = [await openTest(t), await openTest(t)];
  const events: LibvirtEvent[] = [];
  await watching.onEvent((event) => events.push(event));
  await acting.domainDefine(domainXml('elsewhere', uuidOf(3)));
  await until(() => lifecycle(events).includes(DEFINED));
  t.match(events, [{ kind: 'lifecycle', name: 'elsewhere', uuid: uuidOf(3) }]);
});

test('a closed connection tells nothing any more', async (t) => {
  const [closing, acting] = [await openTest(t), await openTest(t)];
  const late: LibvirtEvent[] = [];
  const heard: LibvirtEvent[] = [];
  const off = await closing.onEvent((event) => late.push(event));
  await acting.onEvent((event) => heard.push(event));
  await closing.close();
  await acting.domainDefine(domainXml('unheard', uuidOf(4)));
  await until(() => heard.length > 0);
  t.same(late, []);
  await t.resolves(off(), 'taking a subscription back after the close is no error');
});

/** Holds this thread until the process's other threads have come to rest. */
function blockUntilOthersRest(deadlineMs: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + deadlineMs;
  let used = process.cpuUsage();
  for (let quietRounds = 0; quietRounds < 10 && performance.now() < end; ) {
    Atomics.wait(cell, 0, 0, 20);
    const since = process.cpuUsage(used);
    quietRounds = since.user + since.system < 2000 ? quietRounds + 1 : 0;
    used = process.cpuUsage();
  }
}

test('a flood beyond the queue is cut, and no event is missing from the count', async (t) => {
  const connection = await openTest(t);
  const another = await openTest(t);
  const uuid = uuidOf(5);
  await connection.domainDefine(domainXml('busy', uuid));
  await connection.domainCreate(uuid);
  const events: LibvirtEvent[] = [];
  await connection.onEvent((event) => events.push(event));

  const calls = [connection, another].flatMap((each) =>
    Array.from({ length: 4000 }, () => [each.domainSuspend(uuid), each.domainResume(uuid)]).flat(),
  );
  const settled = Promise.allSettled(calls);
  blockUntilOthersRest(30_000);
  const succeeded = (await settled).filter((result) => result.status === 'fulfilled').length;

  const lost = () => events.reduce((sum, event) => sum + (event.kind === 'lost' ? event.count : 0), 0);
  await until(() => lifecycle(events).length + lost() >= succeeded);
  t.equal(lifecycle(events).length + lost(), succeeded);
  t.ok(succeeded > 10_000, `${succeeded} events`);
  t.ok(lifecycle(events).length >= 10_000 && lost() > 0, `${lost()} lost`);
});
