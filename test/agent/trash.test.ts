/** When a host throws disks away, how long it says that they are to be kept, and when it looks for what may go. */
import { pino } from 'pino';
import t from 'tap';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { Trash } from '../../agent/trash.js';
import { uidOf } from './world.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function setUp() {
  const now = { bootMs: 5_000, wallMs: Date.UTC(2026, 10, 27) };
  const thrown: [string, number][] = [];
  const emptied: string[] = [];
  const hypervisor = {
    trashVolume: async ({ poolPath }: { poolPath: string }, keepUntilWallMs: number) => {
      thrown.push([poolPath, keepUntilWallMs]);
    },
    emptyTrash: async (poolPath: string) => {
      emptied.push(poolPath);
      return 0;
    },
  };
  const trash = new Trash({
    hypervisor,
    pools: new PoolLanes(),
    clock: { now: () => ({ ...now }) },
    log: pino({ level: 'silent' }),
    trashRetentionMs: 168 * hourMs,
  });
  const pass = (ms: number) => {
    now.bootMs += ms;
    now.wallMs += ms;
  };
  const sweep = async () => {
    await trash.empty(['/pools/a']);
    return emptied.splice(0).sort();
  };
  return { now, thrown, trash, pass, sweep };
}

t.test(
  'a disk is kept as long as the settings of the host say that throws it away, also when its clock was set back',
  async (t) => {
    const { now, thrown, trash, pass } = setUp();
    pass(hourMs);
    await trash.throwAway({ uid: uidOf(1), poolPath: '/pools/a' });
    const keepUntilMs = now.wallMs + 168 * hourMs;
    now.wallMs -= 24 * hourMs;
    await trash.throwAway({ uid: uidOf(2), poolPath: '' });
    t.same(thrown, [
      ['/pools/a', keepUntilMs],
      ['', keepUntilMs],
    ]);
  },
);

t.test('nothing is deleted while the wall clock is not where it would be if nobody had set it', async (t) => {
  const { now, pass, sweep } = setUp();
  const both = ['', '/pools/a'];
  pass(48 * hourMs);
  t.same(await sweep(), both);
  for (const jumpMs of [24 * hourMs, 6 * minuteMs, -6 * minuteMs]) {
    now.wallMs += jumpMs;
    t.same(await sweep(), [], `${jumpMs} ms`);
    pass(hourMs);
    t.same(await sweep(), [], 'an hour later as well');
    now.wallMs -= jumpMs;
    t.same(await sweep(), both, 'until it is back');
  }
  now.wallMs += 4 * minuteMs;
  t.same(await sweep(), both, 'a time server may correct it a little');
});
