import { test } from 'tap';
import { Leases } from '../../../scheduler/fleet/leases.js';

test('a lease is counted a hundredth longer than it was granted for', async (t) => {
  const leases = new Leases();
  t.equal(leases.endMs('a'), 0);
  leases.grant('a', 10_000, 1000);
  t.equal(leases.endMs('a'), 11_100);
});

test('a shorter lease does not end a longer one early', async (t) => {
  const leases = new Leases();
  leases.grant('a', 600_000, 0);
  leases.grant('a', 1000, 10);
  t.equal(leases.endMs('a'), 606_000);
});

test('what an earlier leader may have granted is assumed until the host says what it holds', async (t) => {
  const leases = new Leases();
  leases.assume('a', 600_000, 0);
  leases.grant('a', 10_000, 1000);
  t.equal(leases.endMs('a'), 606_000);
  leases.held('a', 300_000, 2000);
  t.equal(leases.endMs('a'), 305_000, 'it is counted a hundredth longer from when it was heard');
  leases.held('a', 400_000, 3000);
  t.equal(leases.endMs('a'), 305_000, 'and does not grow by a word of the host');
  leases.held('a', 5000, 4000);
  t.equal(leases.endMs('a'), 11_100, 'what was granted here may be on its way');
  leases.held('b', 5000, 4000);
  t.equal(leases.endMs('b'), 0, 'who holds nothing here is granted nothing by saying so');
});

test('hosts whose lease has ended are told once', async (t) => {
  const leases = new Leases();
  leases.grant('a', 1000, 0);
  leases.grant('b', 2000, 0);
  t.same(leases.takeLapsed(1010), [], 'not before its very end');
  t.same(leases.takeLapsed(1011), ['a']);
  t.same(leases.takeLapsed(1012), []);
  leases.forget('b');
  t.same(leases.takeLapsed(10_000), []);
});
