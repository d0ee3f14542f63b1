import fc from 'fast-check';
import { test } from 'tap';
import { Alike } from '../../../scheduler/core/alike.js';

test('what is given back is the same to whoever reads it', (t) => {
  const alike = new Alike();
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const json = JSON.stringify(value);
      return JSON.stringify(alike.of(value)) === json;
    }),
    { numRuns: 2000 },
  );
  t.pass();
  t.end();
});

test('values that are alike become one, and others do not', (t) => {
  const alike = new Alike();
  const size = { vcpus: 2, memoryMib: 4096, wishes: ['a', 'b'] };
  t.equal(alike.of(size), size);
  t.equal(alike.of({ vcpus: 2, memoryMib: 4096, wishes: ['a', 'b'] }), size);
  for (const other of [
    { vcpus: 3, memoryMib: 4096, wishes: ['a', 'b'] },
    { vcpus: 2, memoryMib: 4096, wishes: ['a', 'c'] },
    { vcpus: 2, memoryMib: 4096, wishes: ['a', 'b'], more: undefined },
    { memoryMib: 4096, vcpus: 2, wishes: ['a', 'b'] },
    { vcpus: 2, memoryMib: 4096, wishes: { 0: 'a', 1: 'b' } },
  ])
    t.equal(alike.of(other), other);
  t.end();
});

test('however many values there are, those that come again and again are shared', (t) => {
  const alike = new Alike();
  const policies = Array.from({ length: 64 }, (_, policy) => JSON.stringify({ policy, wishes: ['a'] }));
  let made = 0;
  let shared = 0;
  let last: unknown[] = [];
  for (let round = 0; round < 1000; round += 1) {
    const held = policies.map((text) => alike.of(JSON.parse(text)));
    for (let other = 0; other < 20; other += 1) alike.of({ unlike: made++ });
    shared += held.filter((value, policy) => value === last[policy]).length;
    last = held;
  }
  t.ok(shared > 0.9 * 1000 * policies.length, `${shared} of ${1000 * policies.length}`);
  t.end();
});
