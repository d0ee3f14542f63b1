import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { callsPerTurn, Turns } from '../../../scheduler/api/turns.js';

t.test('a single call is handled at once', async (t) => {
  const turns = new Turns();
  let done = false;
  turns.take(() => {
    done = true;
  });
  t.ok(done);
});

t.test('of many calls a few are handled in a turn, and all in the order in which they came', async (t) => {
  const turns = new Turns();
  const done: number[] = [];
  for (let call = 0; call < 300; call += 1) turns.take(() => done.push(call));
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
    for (let call = 0; call < 150; call += 1) turns.take(() => done.push(call));
    await turn();
    turns.take(() => done.push(150));
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
  turns.take(() => {
    done.push('outer');
    turns.take(() => done.push('inner'));
  });
  while (done.length < 2) await turn();
  t.same(done, ['outer', 'inner']);
});
