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

test('of many that end at once some are told at a time, and each of them once', async (t) => {
  const leases = new Leases();
  const hosts = Array.from({ length: 25 }, (_, index) => `host-${index}`);
  for (const [index, host] of hosts.entries()) leases.grant(host, 1000 + index * 100, 0);
  const told: string[] = [];
  for (let some = leases.takeLapsed(10_000, 10); some.length > 0; some = leases.takeLapsed(10_000, 10)) {
    t.ok(some.length <= 10);
    told.push(...some);
  }
  t.same(told.sort(), hosts.sort());
});

test('how many there are, and how many end within a time, is counted to the millisecond', async (t) => {
  const leases = new Leases();
  for (let number = 0; number < 50; number += 1) leases.grant(`host-${number}`, 100 * number, 0);
  for (const [uptimeMs, withinMs] of [
    [0, 0],
    [0, 1010],
    [500, 1516],
    [1000, 3000],
    [0, 100_000],
  ] as const) {
    const ending = Array.from({ length: 50 }, (_, number) => Math.ceil(100 * number * 1.01)).filter(
      (endMs) => endMs < uptimeMs + withinMs,
    ).length;
    t.same(leases.count(uptimeMs, withinMs), { held: 50, ending });
  }
  leases.forget('host-49');
  t.same(leases.count(0, 0), { held: 49, ending: 0 });
});
