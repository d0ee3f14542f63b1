import { type Test, test } from 'tap';
import { backlogLimit, type Committed } from '../../scheduler/engine.js';
import { EngineWorld } from './engine-world.js';
import { MemoryStore } from './store/memory-store.js';
import { request } from './store/batches.js';

/** An engine on a store whose commits wait until the test lets them go. */
async function held(): Promise<{ world: EngineWorld; store: MemoryStore }> {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  store.held = true;
  return { world, store };
}

/** Whether a promise has settled by now, after every turn that is due has been taken. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => {
    settled = true;
  });
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

/** Keeps an answer, as a call does; resolves when it may be given. */
function keep({ engine }: EngineWorld): Promise<void> {
  const sequence = engine.keepingSequence();
  engine.keepReply(request(1), 0);
  return engine.durable(sequence);
}

async function waits(t: Test, promise: Promise<unknown>, what: string): Promise<void> {
  t.notOk(await isSettled(promise), `${what} waits`);
}

async function goes(t: Test, promise: Promise<unknown>, what: string): Promise<void> {
  t.ok(await isSettled(promise), `${what} may go`);
}

test('a decision counts at once, and is durable only when its commit is', async (t) => {
  const { world, store } = await held();
  const { engine } = world;
  world.site('one');
  t.ok(world.state.sites.has('one'));
  const durable = engine.durable(1);
  await waits(t, durable, 'the decision');
  t.equal(engine.head.sequence, 0);
  store.release();
  await goes(t, durable, 'the decision');
  t.equal(engine.head.sequence, 1);
});

test('a reader waits for everything that it can see, and for nothing more', async (t) => {
  const { world, store } = await held();
  const { engine } = world;
  await goes(t, engine.readable(), 'a reader of an empty state');
  world.site('one');
  const first = engine.readable();
  await waits(t, first, 'a reader');
  world.site('two');
  const second = engine.readable();
  store.release();
  await goes(t, first, 'the first reader');
  await waits(t, second, 'the second reader');
  store.release();
  await goes(t, second, 'the second reader');
});

test('what comes while a commit is under way goes together in the next one, in order', async (t) => {
  const { world, store } = await held();
  world.site('first');
  await waits(t, world.engine.readable(), 'the first');
  for (let index = 0; index < 50; index += 1) world.site(`s${index}`);
  store.held = false;
  store.release();
  await world.engine.readable();
  t.same(
    store.batches.map(({ first, last }) => [first, last]),
    [
      [1, 1],
      [2, 51],
    ],
  );
  const lines = store.batches.flatMap(({ journal }) => journal.join('').split('\n'));
  t.equal(lines.length, 51);
  t.equal(JSON.parse(lines[50] as string)[1][0].site.id, 's49');
});

test('decisions of one turn share a commit', async (t) => {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  for (let index = 0; index < 10; index += 1) world.site(`s${index}`);
  await world.engine.readable();
  t.equal(store.batches.length, 1);
});

test('many decisions of one turn begin to be written before the turn is over, and all are', async (t) => {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  for (let index = 0; index < 1000; index += 1) world.site(`s${index}`);
  t.equal(store.batches.length, 1);
  await world.engine.readable();
  t.equal(store.disk.head.sequence, 1000);
  t.equal(store.disk.entities.size, 1002, 'with their partner, and the number of its decisions');
});

test('a refusal and a change of nothing write nothing', async (t) => {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.site('one');
  await world.engine.readable();
  t.match(world.refused({ type: 'site.delete', id: 'none', etag: '' }), { reason: 'SITE_NOT_FOUND' });
  world.run({ type: 'site.cordon', id: 'one', cordoned: false });
  await goes(t, world.engine.readable(), 'a reader');
  t.equal(store.batches.length, 1);
});

test('a preview answers as the command would, and leaves no trace', async (t) => {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  world.host('a', 'zagreb');
  await world.engine.readable();
  const before = { commits: store.batches.length, sequence: world.state.sequence };
  let heard = 0;
  world.engine.onCommitted(() => {
    heard += 1;
  });
  const command = world.createOf([world.newVm('one'), world.newVm('two', { memoryMib: 60_000 })]);
  const seen = world.engine.preview(command);
  if (seen.refusal) throw new Error(seen.refusal.message);
  t.equal(world.state.sequence, before.sequence);
  t.equal(world.state.vms.size + world.state.operations.size, 0);
  t.same(world.state.hostTable.claimed('a'), { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });
  const large = world.createOf([world.newVm('large', { memoryMib: 100_000 })]);
  t.same(world.engine.preview(large), { refusal: world.refused(large) });
  await goes(t, world.engine.readable(), 'a reader');
  t.equal(store.batches.length, before.commits);
  t.equal(heard, 0);
  t.same(world.run(command), seen.reply, 'and then it comes as it was seen');
});

test('an answer is kept in the commit of its decision', async (t) => {
  const { world, store } = await held();
  world.site('one');
  const durable = keep(world);
  await waits(t, durable, 'the answer');
  t.same(
    store.batches[0]?.requests.map(({ id }) => id),
    ['id-1'],
  );
  store.release();
  await goes(t, durable, 'the answer');
  t.same(store.reply(1), Buffer.from([1, 0, 255]));
});

test('the answer to a call that changed nothing is kept as well, before it may be given', async (t) => {
  const { world, store } = await held();
  store.held = false;
  world.site('one');
  await world.engine.readable();
  store.held = true;
  world.run({ type: 'site.cordon', id: 'one', cordoned: false });
  const durable = keep(world);
  await waits(t, durable, 'the answer');
  store.release();
  await goes(t, durable, 'the answer');
  t.same(store.reply(1), Buffer.from([1, 0, 255]));
});

test('an answer that changed nothing is not given with a commit that is under way without it', async (t) => {
  const { world, store } = await held();
  world.site('one');
  await waits(t, world.engine.readable(), 'the site');
  world.run({ type: 'site.cordon', id: 'one', cordoned: false });
  const durable = keep(world);
  store.release();
  await waits(t, durable, 'the answer');
  store.release();
  await goes(t, durable, 'the answer');
  t.ok(store.reply(1));
});

test('answers to be forgotten are forgotten, whatever is kept after them in the same commit', async (t) => {
  const { world, store } = await held();
  world.site('one');
  world.engine.keepReply(request(8), 5);
  world.site('two');
  world.engine.keepReply(request(9), 0);
  await waits(t, world.engine.readable(), 'the commit');
  t.equal(store.batches[0]?.forgetRequestsBefore, 5);
  store.release();
});

test('listeners hear of a commit when it is durable, with what it wrote and removed', async (t) => {
  const { world, store } = await held();
  const heard: Committed[] = [];
  const forget = world.engine.onCommitted((committed) => heard.push(committed));
  world.site('one');
  world.site('two');
  await waits(t, world.engine.readable(), 'the commit');
  t.same(heard, []);
  world.run({ type: 'site.delete', id: 'one', etag: '' });
  store.release();
  await waits(t, world.engine.readable(), 'the second commit');
  t.equal(heard.length, 1);
  t.equal(heard[0]?.sequence, 2);
  t.same([...(heard[0]?.touched.written.site.keys() ?? [])], ['one', 'two']);
  store.release();
  await goes(t, world.engine.readable(), 'everything');
  t.same([...(heard[1]?.touched.removed.site.keys() ?? [])], ['one']);
  forget();
  world.site('three');
  await waits(t, world.engine.readable(), 'the third commit');
  store.release();
  await goes(t, world.engine.readable(), 'everything');
  t.equal(heard.length, 2);
});

test('when the store fails nothing is promised any more, and it is said once', async (t) => {
  const { world, store } = await held();
  world.site('one');
  const durable = world.engine.durable(1);
  await waits(t, durable, 'the decision');
  world.site('two');
  const later = world.engine.readable();
  store.fail(new Error('no space'));
  await waits(t, durable, 'the decision that failed');
  await waits(t, later, 'the one after it');
  t.match(world.failures, [{ message: /no space/ }]);
  t.equal(world.failures.length, 1);
  world.site('three');
  await waits(t, world.engine.readable(), 'whatever comes now');
  t.equal(store.batches.length, 1, 'nothing more is written');
  t.equal(world.failures.length, 1);
});

test('now never goes back behind the journal', async (t) => {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.site('one');
  const before = world.nowMs;
  world.nowMs -= 3_600_000;
  t.equal(world.engine.now(), before);
  world.site('two');
  t.equal(world.state.sites.get('two')?.createdMs, before);
  await world.engine.readable();
  const again = await EngineWorld.on(new MemoryStore(store.disk));
  t.equal(again.state.lastMs, before, 'nor does it after a restart');
});

test('the backlog grows while the disk is slow', async (t) => {
  const { world, store } = await held();
  world.site('first');
  await waits(t, world.engine.readable(), 'the first');
  for (let index = 0; index < 100; index += 1) world.site(`s${index}`);
  t.equal(world.engine.backlog, 100);
  t.ok(backlogLimit >= 1000, 'a burst is not turned away');
  store.release();
});

test('a change that does not fit the state ends the engine: half a decision is never written', async (t) => {
  const { world, store } = await held();
  world.site('zagreb');
  const durable = world.engine.durable(1);
  await waits(t, durable, 'what came before');
  world.join('a', 'zagreb');
  // The state is damaged behind the engine's back, so that what is decided cannot be applied.
  world.state.hostTable.add = () => {
    throw new Error('it does not fit');
  };
  t.throws(() => world.join('b', 'zagreb'), { message: 'it does not fit' });
  t.match(world.failures, [{ message: 'it does not fit' }]);
  store.held = false;
  store.release();
  await goes(t, durable, 'what came before');
  await waits(t, world.engine.readable(), 'everything since');
  t.equal(store.batches.length, 1);
});
