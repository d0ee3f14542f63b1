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
