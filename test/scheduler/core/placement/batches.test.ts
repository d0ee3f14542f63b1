import { test } from 'tap';
import { batchAgainstSingles } from './batch-history.js';

test('each VM of a batch goes where it would go alone, or is refused alike, and deciding leaves nothing behind', async (t) => {
  const sum = { placed: 0, refused: 0, led: 0 };
  for (let seed = 1; seed <= 60; seed += 1) {
    const { placed, refused, led } = batchAgainstSingles(seed);
    sum.placed += placed;
    sum.refused += refused;
    sum.led += led;
  }
  t.ok(Math.min(sum.placed, sum.refused, sum.led) > 300, JSON.stringify(sum));
});
