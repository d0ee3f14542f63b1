/** When a host throws disks away, how long it says that they are to be kept, and when and where it looks for what may go. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { TrashPools } from '../../agent/state/trash-pools.js';
import { Trash } from '../../agent/trash.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const retentionMs = 168 * hourMs;
const vm = (number: number, poolPath: string) => ({ uid: uidOf(number), poolPath });

function setUp(t: Test) {
  const folder = join(t.testdir({ data: {} }), 'data');
  const now = { bootMs: 5_000, wallMs: Date.UTC(2026, 10, 27) };
  const pass = (ms: number) => {
    now.bootMs += ms;
    now.wallMs += ms;
  };
  const file = () => readFileSync(join(folder, 'trash-pools.json'), 'utf8');
  const world = {
    thrown: [] as [poolPath: string, keepUntilWallMs: number, fileThen: string][],
    throwing: async () => {},
    emptying: async (): Promise<number | null> => 0,
  };
  /** An agent's process. */
  const begin = () => {
    const emptied: string[] = [];
    const hypervisor = {
      trashVolume: async ({ poolPath }: { poolPath: string }, keepUntilWallMs: number) => {
        world.thrown.push([poolPath, keepUntilWallMs, poolPath === '' ? '' : file()]);
        await world.throwing();
      },
      emptyTrash: async (poolPath: string) => {
        emptied.push(poolPath);
        return world.emptying();
      },
    };
    const trash = new Trash({
      hypervisor,
      pools: new PoolLanes(),
      trashPools: new TrashPools(folder),
      clock: { now: () => ({ ...now }) },
      log: pino({ level: 'silent' }),
      trashRetentionMs: retentionMs,
    });
    /** The pools that it has looked at. */
    const sweep = async (...poolPaths: string[]) => {
      await trash.empty(poolPaths);
      return emptied.splice(0).sort();
    };
    return { trash, sweep };
  };
  return { folder, now, pass, file, world, begin };
}

t.test(
  'a disk is kept as long as the settings of the host say that throws it away, also when its clock was set back',
  async (t) => {
    const { now, world, begin, pass } = setUp(t);
    const { trash } = begin();
    pass(hourMs);
    await trash.throwAway(vm(1, '/pools/a'));
    const keepUntilMs = now.wallMs + retentionMs;
    now.wallMs -= 24 * hourMs;
    await trash.throwAway(vm(2, ''));
    t.match(world.thrown, [
      ['/pools/a', keepUntilMs],
      ['', keepUntilMs],
    ]);
  },
);

t.test('nothing is deleted while the wall clock is not where it would be if nobody had set it', async (t) => {
  const { now, pass, begin } = setUp(t);
  const { sweep } = begin();
  const both = ['', '/pools/a'];
  pass(48 * hourMs);
  t.same(await sweep('/pools/a'), both);
  for (const jumpMs of [24 * hourMs, 6 * minuteMs, -6 * minuteMs]) {
    now.wallMs += jumpMs;
    t.same(await sweep('/pools/a'), [], `${jumpMs} ms`);
    pass(hourMs);
    t.same(await sweep('/pools/a'), [], 'an hour later as well');
    now.wallMs -= jumpMs;
    t.same(await sweep('/pools/a'), both, 'until it is back');
  }
  now.wallMs += 4 * minuteMs;
  t.same(await sweep('/pools/a'), both, 'a time server may correct it a little');
});

t.test(
  'a wall clock that was set is believed when what was thrown away before has had its time',
  async (t) => {
    const { now, world, pass, begin } = setUp(t);
    const { trash, sweep } = begin();
    const setBack = 2 * hourMs;
    now.wallMs -= setBack;
    for (let hours = 0; hours < 168; hours++) {
      t.same(await sweep(), [], `after ${hours} h`);
      pass(hourMs);
    }
    now.wallMs += 10 * minuteMs;
    t.same(await sweep(), [], 'one that was set again meanwhile is doubted anew');
    pass(167 * hourMs);
    await trash.throwAway(vm(1, ''));
    t.match(world.thrown[0]?.[1], now.wallMs + setBack - 10 * minuteMs + retentionMs);
    t.same(await sweep(), []);
    pass(hourMs);
    t.same(await sweep(), ['']);
    await trash.throwAway(vm(2, ''));
    t.match(world.thrown[1]?.[1], now.wallMs + retentionMs, 'and then disks are kept by it');
    now.wallMs += 6 * minuteMs;
    t.same(await sweep(), []);
  },
);

t.test('a pool without VMs is looked at until what this host threw there may go', async (t) => {
  const { pass, file, world, begin } = setUp(t);
  const first = begin();
  t.same(await first.sweep(), ['']);
  await first.trash.throwAway(vm(1, '/pools/a'));
  t.match(world.thrown, [['/pools/a', Number, /"\/pools\/a":\d+/]], 'it is written before the disk is there');
  t.same(await first.sweep(), ['', '/pools/a']);
  const { trash, sweep } = begin();
  t.same(await sweep(), ['', '/pools/a'], 'by the next process as well');
  pass(100 * hourMs);
  await trash.throwAway(vm(2, '/pools/a'));
  pass(100 * hourMs);
  t.same(await sweep('/pools/a', '/pools/b'), ['', '/pools/a', '/pools/b'], 'each once');
  t.same(await sweep(), ['', '/pools/a'], 'a later disk is there still');
  pass(70 * hourMs);
  t.same(await sweep(), ['', '/pools/a']);
  await until('it is forgotten', () => file() === '{}\n');
  t.same(await sweep(), ['']);
  t.same(await begin().sweep(), ['']);
});

t.test('a pool whose trash could not be looked through is not forgotten', async (t) => {
  const { pass, file, world, begin } = setUp(t);
  const { trash, sweep } = begin();
  await trash.throwAway(vm(1, '/pools/a'));
  pass(retentionMs + 2 * hourMs);
  const { emptying } = world;
  world.emptying = async () => null;
  t.same(await sweep(), ['', '/pools/a'], 'it is not mounted');
  world.emptying = () => Promise.reject(new Error('it cannot be read'));
  t.same(await sweep(), ['', '/pools/a']);
  world.emptying = emptying;
  // A disk that is on its way there all that time.
  let end: () => void = () => undefined;
  world.throwing = () =>
    new Promise<void>((resolve) => {
      end = resolve;
    });
  const late = trash.throwAway(vm(2, '/pools/a'));
  await until('it is on its way', () => world.thrown.length === 2);
  pass(retentionMs + 2 * hourMs);
  t.same(await sweep(), ['', '/pools/a']);
  t.same(await sweep(), ['', '/pools/a']);
  end();
  await late;
  t.same(await sweep(), ['', '/pools/a']);
  await until('it is forgotten', () => file() === '{}\n');
});

t.test('no disk goes to the trash of a pool that cannot be remembered', async (t) => {
  const { folder, world, begin } = setUp(t);
  const { trash } = begin();
  rmSync(folder, { recursive: true });
  await t.rejects(trash.throwAway(vm(1, '/pools/a')), { code: 'ENOENT' });
  t.same(world.thrown, []);
});
