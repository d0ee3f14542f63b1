import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { callsPerTurn, mostWaitingCalls, Turns } from '../../../scheduler/api/turns.js';

t.test('a single call is handled at once', async (t) => {
  const turns = new Turns();
  let done = false;
  turns.take('a', 1, () => {
    done = true;
  });
  t.ok(done);
});

t.test('of many calls a few are handled in a turn, and all in the order in which they came', async (t) => {
  const turns = new Turns();
  const done: number[] = [];
  for (let call = 0; call < 300; call += 1) turns.take('a', 1, () => done.push(call));
  const atOnce = done.length;
  t.ok(atOnce >= 1 && atOnce <= callsPerTurn, `${atOnce} at once`);
  let most = 0;
  while (done.length < 300) {
    const before = done.length;
    await turn();
    t.ok(done.length > before, 'every turn handles some');
    most = Math.max(most, done.length - before);
  }
  t.ok(most <= callsPerTurn, `${most} in one turn`);
  t.same(
    done,
    Array.from({ length: 300 }, (_, call) => call),
  );
});

t.test(
  'a call that comes while others wait does not overtake them, though a new turn has begun',
  async (t) => {
    const turns = new Turns();
    const done: number[] = [];
    for (let call = 0; call < 150; call += 1) turns.take('a', 1, () => done.push(call));
    await turn();
    turns.take('a', 1, () => done.push(150));
    while (done.length < 151) await turn();
    t.same(
      done,
      Array.from({ length: 151 }, (_, call) => call),
    );
  },
);

t.test('a call that is taken by another one is handled as well', async (t) => {
  const turns = new Turns();
  const done: string[] = [];
  turns.take('a', 1, () => {
    done.push('outer');
    turns.take('a', 1, () => done.push('inner'));
  });
  while (done.length < 2) await turn();
  t.same(done, ['outer', 'inner']);
});

/** Everything that is left, a turn after the other. */
async function rest(done: unknown[], count: number): Promise<void> {
  while (done.length < count) await turn();
}

t.test('who sends thousands of calls waits for itself, and not before others', async (t) => {
  const turns = new Turns();
  const done: string[] = [];
  for (let call = 0; call < 2000; call += 1) turns.take('busy', 1, () => done.push('busy'));
  turns.take('quiet', 1, () => done.push('quiet'));
  await rest(done, 2001);
  const place = done.indexOf('quiet');
  t.ok(place <= 2 * callsPerTurn, `the quiet caller was number ${place}`);
});

t.test('callers that wait are served alike, and each in its own order', async (t) => {
  const turns = new Turns();
  const done: [string, number][] = [];
  for (let call = 0; call < callsPerTurn; call += 1) turns.take('first', 1, () => {});
  for (const caller of ['a', 'b', 'c'])
    for (let call = 0; call < 100; call += 1) turns.take(caller, 1, () => done.push([caller, call]));
  await rest(done, 300);
  for (const caller of ['a', 'b', 'c']) {
    t.same(
      done.filter(([who]) => who === caller).map(([, call]) => call),
      Array.from({ length: 100 }, (_, call) => call),
    );
    const early = done.slice(0, 150).filter(([who]) => who === caller).length;
    t.equal(early, 50, `${caller} had its third of the first half`);
  }
});

t.test('a long call counts as several against its own caller', async (t) => {
  const turns = new Turns();
  const done: string[] = [];
  for (let call = 0; call < callsPerTurn; call += 1) turns.take('first', 1, () => {});
  for (let call = 0; call < 20; call += 1) turns.take('long', 10, () => done.push('long'));
  for (let call = 0; call < 100; call += 1) turns.take('short', 1, () => done.push('short'));
  await rest(done, 120);
  const early = done.slice(0, 55).filter((who) => who === 'long').length;
  t.ok(early >= 4 && early <= 7, `${early} long ones among the first 55`);
});

t.test('a caller that waits with too much is told so, and others are not', async (t) => {
  const turns = new Turns();
  const done: number[] = [];
  let taken = 0;
  while (turns.take('busy', 1, () => done.push(0))) taken += 1;
  t.equal(taken, mostWaitingCalls + callsPerTurn);
  t.ok(turns.take('quiet', 1, () => done.push(1)));
  await rest(done, taken + 1);
  t.ok(
    turns.take('busy', 1, () => done.push(2)),
    'when it has been served it may go on',
  );
  await rest(done, taken + 2);
});
