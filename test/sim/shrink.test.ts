import { test } from 'tap';
import type { Entry } from './script.js';
import { shrink } from './shrink.js';

const script: Entry[] = Array.from({ length: 200 }, (_, atMs) => ({ atMs, what: `w${atMs}`, seed: atMs }));

test('a script is shrunk to what its failure needs', async (t) => {
  let tries = 0;
  const fails = (some: readonly Entry[]) => {
    tries += 1;
    const left = new Set(some.map(({ atMs }) => atMs));
    return left.has(17) && left.has(18) && left.has(150);
  };
  t.same(
    shrink(script, fails, 1000).map(({ atMs }) => atMs),
    [17, 18, 150],
  );
  t.ok(tries < 200, `${tries} tries`);
});

test('it tries no more often than it may', async (t) => {
  let tries = 0;
  const fails = () => {
    tries += 1;
    return false;
  };
  t.equal(shrink(script, fails, 12).length, 200);
  t.equal(tries, 12);
});
