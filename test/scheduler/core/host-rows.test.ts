import fc from 'fast-check';
import { test } from 'tap';
import { rowsOf } from '../../../scheduler/core/host-rows.js';
import { HostTable } from '../../../scheduler/core/host-table.js';
import type { Host, Vm } from '../../../scheduler/core/model.js';
import { strategies } from '../../../scheduler/core/placement/scorers/index.js';
import { holds } from '../holds.js';

/** Two names of the same FNV-1a hash. */
const alike = ['costarring', 'liquid'];

function tableOf(ids: readonly string[]): HostTable {
  const table = new HostTable({ scorer: strategies.pack, vcpuPercent: () => 100, changed: () => {} });
  const capacity = { vcpus: 1, memoryMib: 1, diskMib: 1, vms: 1 };
  for (const id of ids) table.add({ id, capacity } as Host);
  return table;
}

const on = (host: string | null) => ({ host }) as Vm;

test('the rows of many hosts at once are those of each alone', async (t) => {
  const names = fc.uniqueArray(fc.oneof(fc.string(), fc.nat(9999).map(String)), { maxLength: 150 });
  holds(
    t,
    fc.property(names, fc.array(fc.option(fc.nat()), { maxLength: 300 }), (given, picked) => {
      const ids = [...new Set([...given, ...alike])];
      const table = tableOf(ids);
      const vms = picked.map((number) => on(number === null ? null : (ids[number % ids.length] as string)));
      const expected = vms.map(({ host }) => (host === null ? -1 : table.rowOf(host)));
      return [...rowsOf(vms, table)].join() === expected.join();
    }),
    200,
  );
});

test('names of the same hash are told apart', async (t) => {
  const table = tableOf(alike);
  t.same([...rowsOf([...alike, ...alike].map(on), table)], [0, 1, 0, 1]);
});

test('a VM on a host that there is not is an error', async (t) => {
  t.throws(() => rowsOf([on('a'), on('b')], tableOf(['a'])), /unknown host b/);
  t.throws(() => rowsOf([on('liquid')], tableOf(['costarring'])), /unknown host liquid/);
  t.same([...rowsOf([on(null)], tableOf([]))], [-1]);
});
