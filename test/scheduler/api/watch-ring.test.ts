import { test } from 'tap';
import { ringSize, WatchRing } from '../../../scheduler/api/watch-ring.js';
import type { Vm } from '../../../scheduler/core/model.js';

const vm = (uid: string) => ({ vm: { uid } as Vm, removed: false });
const many = (count: number) => Array.from({ length: count }, (_, index) => vm(String(index)));

test('entries are numbered as they come, and found by number and by sequence', async (t) => {
  const ring = new WatchRing(10);
  t.equal(ring.after(10), 0);
  ring.add(11, [vm('a'), vm('b')]);
  ring.add(13, [vm('c')]);
  t.equal(ring.end, 3);
  t.match(ring.at(1), { sequence: 11, vm: { uid: 'b' } });
  t.equal(ring.at(3), null);
  t.equal(ring.after(10), 0);
  t.equal(ring.after(11), 2);
  t.equal(ring.after(12), 2);
  t.equal(ring.after(13), 3);
  t.equal(ring.after(9), null, 'what was before the start is not known');
});

test('only the last entry of a commit says that the commit was seen', async (t) => {
  const ring = new WatchRing(10);
  ring.add(11, [vm('a'), vm('b'), vm('c')]);
  ring.add(15, [vm('d'), vm('e')]);
  const seen = Array.from({ length: 5 }, (_, number) => ring.at(number)?.seen);
  t.same(seen, [10, 10, 11, 11, 15]);
});

test('listeners hear of commits that changed VMs, and of no others', async (t) => {
  const ring = new WatchRing(0);
  let heard = 0;
  const forget = ring.onChange(() => {
    heard += 1;
  });
  ring.add(1, [vm('a'), vm('b')]);
  t.equal(heard, 1);
  ring.add(2, []);
  t.equal(heard, 1);
  forget();
  ring.add(3, [vm('c')]);
  t.equal(heard, 1);
});

test('the oldest entries are dropped, and who stands there has lost the thread', async (t) => {
  const ring = new WatchRing(0);
  ring.add(1, many(ringSize));
  ring.add(2, many(ringSize));
  t.notOk(ring.isLost(0));
  ring.add(3, [vm('last')]);
  t.ok(ring.isLost(0));
  t.equal(ring.end, 2 * ringSize + 1);
  t.equal(ring.at(0), null);
  t.match(ring.at(ring.end - 1), { vm: { uid: 'last' }, seen: 3 });
  t.equal(ring.after(1), null, 'some of the second commit is gone');
  t.equal(ring.after(2), ring.end - 1);
});
