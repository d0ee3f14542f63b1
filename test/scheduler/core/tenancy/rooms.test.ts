import fc from 'fast-check';
import { test } from 'tap';
import type { Limits } from '../../../../scheduler/core/tenancy/model.js';
import { Rooms } from '../../../../scheduler/core/tenancy/rooms.js';
import { holds } from '../../holds.js';

const columns = ['vcpus', 'memoryMib', 'diskMib', 'vms'] as const;
const amount = fc.record({ vcpus: fc.nat(9), memoryMib: fc.nat(9), diskMib: fc.nat(9), vms: fc.nat(9) });
const limit: fc.Arbitrary<Limits> = fc.record(
  { vcpus: fc.nat(20), memoryMib: fc.nat(20), diskMib: fc.nat(20), vms: fc.nat(20) },
  { requiredKeys: [] },
);
const step = fc.record({
  what: fc.constantFrom('take', 'set', 'add', 'add', 'give', 'release', 'ask', 'ask'),
  group: fc.nat(3),
  nth: fc.nat(20),
  amount,
  limit,
});
const none = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };

test('the bound of a group refuses what one of its rows has no room for, and nothing else', async (t) => {
  holds(
    t,
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const rooms = new Rooms();
      const groups = [0, 1, 2, 3].map(() => ({
        group: rooms.takeGroup(),
        rows: new Map<number, number[]>(),
      }));
      for (const { what, group: at, nth, amount, limit } of steps) {
        const { group, rows } = groups[at] as (typeof groups)[0];
        const [row, left] = [...rows][nth % Math.max(1, rows.size)] ?? [];
        if (what === 'take') {
          const taken = rooms.take(group);
          rooms.set(taken, limit, none);
          rows.set(
            taken,
            columns.map((column) => limit[column] ?? Infinity),
          );
        } else if (what === 'ask') {
          const asked = groups.slice(0, at + 1);
          const expected = asked.every((one) =>
            [...one.rows.values()].every((left) =>
              columns.every((column, i) => (left[i] as number) >= amount[column]),
            ),
          );
          if (
            rooms.haveAll(
              asked.map((one) => one.group),
              amount,
            ) !== expected
          )
            return false;
        } else if (row !== undefined && left !== undefined) {
          if (what === 'release') {
            rooms.release(row);
            rows.delete(row);
          } else if (what === 'set') {
            rooms.set(row, limit, amount);
            rows.set(
              row,
              columns.map((column) => (limit[column] ?? Infinity) - amount[column]),
            );
          } else {
            const sign = what === 'add' ? 1 : -1;
            rooms.add(row, amount, sign);
            rows.set(
              row,
              columns.map((column, i) => (left[i] as number) - sign * amount[column]),
            );
          }
        }
      }
      return true;
    }),
    500,
  );
});

test('a group that was given back begins anew', async (t) => {
  const rooms = new Rooms();
  const group = rooms.takeGroup();
  const row = rooms.take(group);
  rooms.set(row, { vcpus: 1 }, none);
  t.notOk(rooms.haveAll([group], { ...none, vcpus: 2 }));
  rooms.release(row);
  rooms.releaseGroup(group);
  t.equal(rooms.takeGroup(), group);
  t.ok(rooms.haveAll([group], { ...none, vcpus: 2 }));
  for (let made = 0; made < 200; made += 1) rooms.take(rooms.takeGroup());
  t.ok(rooms.haveAll([rooms.takeGroup()], { ...none, vcpus: 2 }));
});
