import fc from 'fast-check';
import { test } from 'tap';
import { etagOf, staleEtag } from '../../../scheduler/core/etag.js';
import type { Vm } from '../../../scheduler/core/model.js';
import { ShardedMap } from '../../../scheduler/core/sharded-map.js';
import { VmOrder } from '../../../scheduler/core/vm-order.js';
import { holds } from '../holds.js';

test('a sharded map is a map', async (t) => {
  const key = fc.oneof(
    fc.constantFrom('', 'a', '__proto__', 'constructor'),
    fc.string(),
    fc.nat(4000).map(nameOf),
  );
  const step = fc.oneof(fc.record({ put: key, value: fc.nat() }), fc.record({ drop: key })) as fc.Arbitrary<{
    put?: string;
    drop?: string;
    value?: number;
  }>;
  const found = fc.constantFrom(0, 1, 1000, 1024, 1025, 3000);
  holds(
    t,
    fc.property(found, fc.array(step, { maxLength: 200 }), fc.nat(1100), (count, steps, settled) => {
      const ours = new ShardedMap<Kept>(({ name }) => name);
      const atFirst = Array.from({ length: count }, (_, value) => ({ name: nameOf(value), value }));
      const plain = new Map(atFirst.map((kept) => [kept.name, kept]));
      ours.found(atFirst);
      const settling = ours.settling();
      for (let step = 0; step < settled; step += 1) settling.next();
      for (const { put, drop, value } of steps) {
        const name = put ?? (drop as string);
        if (ours.get(name) !== plain.get(name)) return false;
        if (put !== undefined) {
          const kept = { name: put, value: value as number };
          ours.set(kept);
          plain.set(put, kept);
        } else if (ours.delete(drop as string) !== plain.delete(drop as string)) return false;
      }
      const all = (values: Iterable<Kept>) => JSON.stringify([...values].sort(byName));
      const before = all(ours.values());
      const same = [...plain].every(([name, kept]) => ours.get(name) === kept && ours.has(name));
      return same && ours.size === plain.size && before === all(plain.values()) && !ours.has('none of them');
    }),
    200,
  );
});

test('a sharded map that has something takes in nothing as found', async (t) => {
  const map = new ShardedMap<Kept>(({ name }) => name);
  map.set({ name: 'a', value: 1 });
  t.throws(() => map.found([{ name: 'b', value: 2 }]), /only an empty map/);
  t.notOk(map.has('b'));
});

interface Kept {
  name: string;
  value: number;
}

function nameOf(number: number): string {
  return `vm-${number}`;
}

function byName({ name: a }: Kept, { name: b }: Kept): number {
  return a < b ? -1 : 1;
}

const vmAt = (createdSequence: number) => ({ uid: String(createdSequence), createdSequence }) as Vm;

test('the order of VMs survives removals in any order, and continues after any place', async (t) => {
  const given = fc.record({
    gaps: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 }),
    removals: fc.array(fc.nat(), { maxLength: 60 }),
    after: fc.nat(300),
  });
  holds(
    t,
    fc.property(given, ({ gaps, removals, after }) => {
      const order = new VmOrder();
      let sequence = 0;
      let left: Vm[] = [];
      for (const gap of gaps) {
        sequence += gap;
        const vm = vmAt(sequence);
        order.add(vm);
        left.push(vm);
      }
      for (const removal of removals) {
        const vm = left[removal % Math.max(1, left.length)];
        if (vm === undefined) break;
        order.remove(vm);
        order.remove(vm);
        left = left.filter((other) => other !== vm);
      }
      const expected = left.filter((vm) => vm.createdSequence > after);
      return [...order.after(after)].map(({ uid }) => uid).join() === expected.map(({ uid }) => uid).join();
    }),
    200,
  );
});

test('the order of VMs is compacted without losing any', async (t) => {
  const order = new VmOrder();
  const vms = Array.from({ length: 5000 }, (_, index) => vmAt(index + 1));
  for (const vm of vms) order.add(vm);
  for (const vm of vms) if (vm.createdSequence % 4 !== 0) order.remove(vm);
  const left = [...order.after(0)].map((vm) => vm.createdSequence);
  t.same(
    left,
    Array.from({ length: 1250 }, (_, index) => (index + 1) * 4),
  );
  order.add(vmAt(6000));
  t.same(
    [...order.after(4996)].map((vm) => vm.createdSequence),
    [5000, 6000],
  );
});

test('an etag is accepted when it is empty or current', async (t) => {
  t.equal(staleEtag('', 3), null);
  t.equal(staleEtag(etagOf(3), 3), null);
  for (const etag of ['"2"', '3', ' "3"', '"3', 'W/"3"']) {
    t.match(staleEtag(etag, 3), { kind: 'aborted', reason: 'ETAG_MISMATCH', metadata: { current: '"3"' } });
  }
});
