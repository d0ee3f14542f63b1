import { test } from 'tap';
import { mostWaitingWalks, StateWalks } from '../../scheduler/state-walks.js';

function* steps(count: number): Generator<void> {
  for (let step = 0; step < count; step += 1) yield;
}

test('a long walk goes through all its steps, and lets others have the loop meanwhile', async (t) => {
  const walks = new StateWalks();
  let [taken, turns] = [0, 0];
  const tooLate = performance.now() + 20_000;
  function* until(): Generator<void> {
    while (turns < 2 && performance.now() < tooLate) {
      taken += 1;
      yield;
    }
  }
  const others = setInterval(() => {
    turns += 1;
  }, 1);
  t.ok(await walks.walk(until));
  clearInterval(others);
  t.ok(taken > 64, `${taken} steps`);
  t.equal(turns, 2, 'turns of others, before it was at its end');
});

test('walks are taken one after the other, and begin when it is their turn', async (t) => {
  const walks = new StateWalks();
  const order: string[] = [];
  function* named(name: string): Generator<void> {
    order.push(`${name} begins`);
    yield* steps(200);
    order.push(`${name} ends`);
  }
  await Promise.all(['a', 'b', 'c'].map((name) => walks.walk(() => named(name))));
  t.same(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('too many that wait are sent away, and a walk that fails leaves its place', async (t) => {
  const walks = new StateWalks();
  const failing = walks.walk(() => {
    throw new Error('broken');
  });
  await t.rejects(failing, /broken/);
  let open = true;
  function* longest(): Generator<void> {
    while (open) yield;
  }
  const first = walks.walk(longest);
  const waiting = Array.from({ length: mostWaitingWalks }, () => walks.walk(() => steps(1)));
  t.equal(await walks.walk(() => steps(1)), false);
  open = false;
  t.same(new Set(await Promise.all([first, ...waiting])), new Set([true]));
  t.equal(await walks.walk(() => steps(1)), true);
});

test('nobody who has gone is walked for', async (t) => {
  const walks = new StateWalks();
  const gone = new AbortController();
  let taken = 0;
  function* endless(): Generator<void> {
    for (;;) {
      taken += 1;
      if (taken === 1000) gone.abort();
      yield;
    }
  }
  await walks.walk(endless, gone.signal);
  t.ok(taken >= 1000);
});
