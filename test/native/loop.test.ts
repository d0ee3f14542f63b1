import { test } from 'tap';
import { domainXml, openTest, uuidOf } from './opened.js';

const DOMAINS = 200;
const LISTS = 500;

/** Watches for how long at most the event loop did not get round, until it is stopped. */
function watchLoop(): () => number {
  let worstMs = 0;
  let last = performance.now();
  let stopped = false;
  const turn = () => {
    const now = performance.now();
    worstMs = Math.max(worstMs, now - last);
    last = now;
    if (!stopped) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    stopped = true;
    return Math.max(worstMs, performance.now() - last);
  };
}

test('hundreds of lists side by side do not hold the event loop', async (t) => {
  const connection = await openTest(t);
  await Promise.all(
    Array.from({ length: DOMAINS }, (_, index) =>
      connection.domainDefine(domainXml(`listed-${index}`, uuidOf(index)), { validate: false }),
    ),
  );
  const start = performance.now();
  const stopWatching = watchLoop();
  const lists = await Promise.all(Array.from({ length: LISTS }, () => connection.domainList()));
  const worstMs = stopWatching();
  const tookMs = performance.now() - start;
  t.ok(lists.every((list) => list.length === DOMAINS + 1));
  t.comment(
    `${LISTS} lists of ${DOMAINS + 1} domains: ${tookMs.toFixed(0)} ms, worst delay ${worstMs.toFixed(1)} ms`,
  );
  // Answered in one go, the loop would stand still for nearly all of the time.
  t.ok(worstMs < tookMs / 2, `worst delay ${worstMs} ms`);
  await Promise.all(Array.from({ length: DOMAINS }, (_, index) => connection.domainUndefine(uuidOf(index))));
});
