import { test } from 'tap';
import { Random } from './random.js';
import { Life, Timeline } from './timeline.js';

test('events happen in the order of their times, and then in which they were asked for', async (t) => {
  const timeline = new Timeline();
  const random = new Random(5);
  const asked = Array.from({ length: 500 }, (_, order) => ({ atMs: random.whole(0, 50), order }));
  const happened: typeof asked = [];
  for (const event of asked) timeline.at(event.atMs, timeline.life, () => happened.push(event));
  timeline.runTo(100);
  t.same(
    happened,
    [...asked].sort((a, b) => a.atMs - b.atMs || a.order - b.order),
  );
});

test('what was to be soon comes before the end of the turn, and both before the next event', async (t) => {
  const timeline = new Timeline();
  const said: string[] = [];
  timeline.at(1, timeline.life, () => {
    timeline.turn(() => said.push('turn'));
    timeline.soon(() => said.push('soon'));
    said.push('event');
  });
  timeline.at(1, timeline.life, () => said.push('next'));
  timeline.runTo(1);
  t.same(said, ['event', 'soon', 'turn', 'next']);
});

test('of a life that is over nothing happens any more', async (t) => {
  const timeline = new Timeline();
  const life = new Life(timeline);
  let count = 0;
  life.every(10, () => {
    count += 1;
  });
  const callOff = life.after(15, () => {
    count += 100;
  });
  callOff();
  timeline.runTo(35);
  t.equal(count, 3);
  life.end();
  timeline.runTo(100);
  t.equal(count, 3);
});

test('a generator gives the same again, and a fork does not depend on what was drawn before', async (t) => {
  const drawn = (random: Random) => Array.from({ length: 5 }, () => random.word());
  t.same(drawn(new Random(7)), drawn(new Random(7)));
  t.notSame(drawn(new Random(7)), drawn(new Random(8)));
  const random = new Random(7);
  const fork = drawn(random.fork('a'));
  random.word();
  t.same(drawn(random.fork('a')), fork);
  t.notSame(drawn(random.fork('b')), fork);
  t.match(random.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
