import { test } from 'tap';
import { estimateCapacity } from '../../../scheduler/core/ask-placement.js';
import type { VmShape } from '../../../scheduler/core/commands.js';
import { portraitOf } from './portrait.js';
import { smallWorld, type World } from './world.js';

const shape: VmShape = {
  vcpus: 1,
  memoryMib: 8192,
  diskMib: 1000,
  image: 'tiny',
  pool: '',
  placement: { sites: [], countries: [], excludedHosts: [] },
};

function estimate(
  world: World,
  change: Partial<VmShape>,
  limit: number,
  mostTurns = Number.POSITIVE_INFINITY,
) {
  const asked = estimateCapacity(
    world.state,
    'adm',
    { ...shape, ...change },
    limit,
    (counted) => counted < mostTurns,
  );
  if (asked.refusal) throw new Error(asked.refusal.message);
  return asked;
}

test('counting ends when nothing fits, at the limit, or when it is told to', async (t) => {
  const world = smallWorld('a', 'b');
  t.match(estimate(world, {}, 100), { vms: 16, limited: false });
  t.match(estimate(world, {}, 17), { vms: 16, limited: false });
  t.match(estimate(world, {}, 16), { vms: 16, limited: true });
  t.match(estimate(world, {}, 100, 5), { vms: 5, limited: true });
  t.match(estimate(world, {}, 100, 0), { vms: 0, limited: true });
});

test('a pool that would be full ends it as well, and then no more may fit', async (t) => {
  const world = smallWorld('a', 'b');
  const pool = { id: 'nfs', site: 'zagreb', path: '/p', hosts: ['a', 'b'], capacityMib: 3500 };
  world.run({ type: 'pool.create', ...pool });
  t.match(estimate(world, { pool: 'nfs' }, 100), { vms: 3, limited: false });
  t.match(estimate(world, { pool: 'nfs' }, 2), { vms: 2, limited: true });
  t.match(estimate(world, { pool: 'nfs' }, 100, 2), { vms: 2, limited: true });
  t.match(estimate(world, { pool: 'nfs', diskMib: 3501 }, 100), { vms: 0, limited: false });
});

test('whatever ends it, all that was claimed for counting is given back', async (t) => {
  const world = smallWorld('a', 'b');
  world.vm('there');
  const before = portraitOf(world.state);
  for (const mostTurns of [0, 3, 100]) estimate(world, {}, 50, mostTurns);
  t.throws(() =>
    estimateCapacity(world.state, 'adm', shape, 50, (counted) => {
      if (counted === 4) throw new Error('stopped');
      return true;
    }),
  );
  t.same(portraitOf(world.state), before);
});
