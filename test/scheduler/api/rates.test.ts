import fc from 'fast-check';
import { test } from 'tap';
import { Rates } from '../../../scheduler/api/rates.js';

test('a caller may use two seconds of its rate at once, and then as much as time brings', async (t) => {
  let nowMs = 0;
  const rates = new Rates(() => nowMs);
  for (let call = 0; call < 20; call += 1) t.equal(rates.take('a', 10, 1), 0);
  t.equal(rates.take('a', 10, 1), 100, 'the next is allowed in a tenth of a second');
  nowMs += 100;
  t.equal(rates.take('a', 10, 1), 0);
  t.not(rates.take('a', 10, 1), 0);
  t.equal(rates.take('b', 10, 1), 0, 'another caller has a bucket of its own');
});

test('what costs more than may be used at once is allowed, and paid off afterwards', async (t) => {
  let nowMs = 0;
  const rates = new Rates(() => nowMs);
  t.equal(rates.take('a', 10, 50), 0);
  t.equal(rates.take('a', 10, 1), 3100);
  nowMs += 3100;
  t.equal(rates.take('a', 10, 1), 0);
});

test('over any time nobody gets more than the rate and what may be used at once', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 5 })), { maxLength: 200 }),
      (perSecond, calls) => {
        let nowMs = 0;
        let used = 0;
        const rates = new Rates(() => nowMs);
        for (const [pauseMs, cost] of calls) {
          nowMs += pauseMs;
          if (rates.take('a', perSecond, cost) === 0) used += cost;
        }
        // The last call may have cost more than was left.
        return used <= perSecond * 2 + (nowMs * perSecond) / 1000 + 5;
      },
    ),
  );
});

test('a crowd of strangers does not make it remember more than it should', async (t) => {
  const rates = new Rates(() => 0);
  for (let caller = 0; caller < 100_000; caller += 1) rates.take(`${caller}`, 1, 1);
  t.ok(rates.size <= 20_000, `${rates.size} buckets`);
});
