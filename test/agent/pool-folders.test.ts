/** Where a shared pool is used, and where it is not: out of the allowed folders, or where it is not mounted. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { acceptPool } from '../../agent/accept-pool.js';
import { PoolFolders } from '../../agent/hypervisor/pool-folders.js';
import { mountOf, readMountTable } from '../../agent/mount-table.js';
import { PoolMounts } from '../../agent/state/pool-mounts.js';

const devices: string[] = [];
/** Each file system is a device of its own. */
const deviceOf = (source: string) => {
  if (!devices.includes(source)) devices.push(source);
  return `98:${devices.indexOf(source)}`;
};
const line = (mountPoint: string, type: string, source: string, optional = ' shared:1') =>
  `36 35 ${deviceOf(source)} / ${mountPoint} rw,noatime${optional} - ${type} ${source} rw,errors=continue`;
const root = line('/', 'ext4', '/dev/sda1');

t.test('a shared pool is where it says, or it is none', async (t) => {
  const folder = t.testdir({
    pools: { good: {}, evil: t.fixture('symlink', '../outside'), file: '' },
    outside: {},
  });
  const place = (...parts: string[]) => join(folder, ...parts);
  const requirePool = (path: string, allowed: string[]) =>
    new PoolFolders(allowed, new PoolMounts(folder)).requirePool(path);
  const allowed = [place('pools')];
  t.equal(await requirePool(place('pools', 'good'), allowed), undefined);
  t.equal(await requirePool(place('pools'), allowed), undefined, 'one that is named itself');
  await t.rejects(requirePool(place('pools', 'evil'), allowed), {
    message: /not in one of this host's poolDirectories/,
  });
  for (const absent of ['none', 'file'])
    await t.rejects(requirePool(place('pools', absent), allowed), {
      fault: 'failed',
      message: /is it mounted/,
    });
  await t.rejects(requirePool(place('pools', 'good'), []), {
    message: /not in one of this host's poolDirectories/,
  });
  symlinkSync(place('pools'), place('mounted-pools'));
  t.equal(
    await requirePool(place('mounted-pools', 'good'), [place('mounted-pools')]),
    undefined,
    "the operator's own links are followed",
  );
});

/** A pool whose folder is another after each mounting, as a mount's root is. */
function setUp(t: Test) {
  const folder = t.testdir({ data: {}, 'my pools': { vm: {} } });
  const [dataDir, pools] = [join(folder, 'data'), join(folder, 'my pools')];
  const pool = join(pools, 'vm');
  const mounted = line(pool.replaceAll(' ', '\\040'), 'nfs4', 'nas.example:/vm', '');
  const world = { table: `${root}\n${mounted}\n`, reads: 0 };
  let folders = 0;
  const become = (table: string) => {
    renameSync(pool, join(folder, `before-${++folders}`));
    mkdirSync(pool);
    world.table = table;
  };
  const readTable = async () => {
    world.reads++;
    return world.table;
  };
  /** The agent's process. */
  const begin = () => new PoolFolders([pools], new PoolMounts(dataDir), readTable);
  return { dataDir, pools, pool, mounted, world, become, begin };
}

t.test('a pool that is not mounted is not taken for an empty one, also by the next process', async (t) => {
  const { pool, mounted, world, become, begin } = setUp(t);
  const first = begin();
  await first.requirePool(pool);
  await first.requirePool(pool);
  t.equal(world.reads, 1, 'what is mounted is asked for once');
  become(root);
  const refusal = {
    fault: 'failed',
    message: `the shared pool ${pool} was on the file system at ${pool} (nfs4, nas.example:/vm), and is on the file system at / (ext4, /dev/sda1) now: mount it as it was, or run secovia-agent accept-pool ${pool} on this host if it is to stay so`,
  };
  for (const folders of [first, begin()])
    for (const _time of [1, 2]) await t.rejects(folders.requirePool(pool), refusal);
  await t.resolves(first.requireInside(pool), 'what is in it is asked for after it');
  become(`${root}\n${mounted}`);
  await first.requirePool(pool);
  await begin().requirePool(pool);
});

t.test('a file system that is mounted over a pool hides its disks', async (t) => {
  const { pool, mounted, become, begin } = setUp(t);
  become(root);
  await begin().requirePool(pool);
  become(`${root}\n${mounted}`);
  await t.rejects(begin().requirePool(pool), {
    message: /was on the file system at \/ .* mount it as it was/,
  });
});

t.test('a server or a device of another name at the same place is the same pool', async (t) => {
  const { pool, mounted, become, begin } = setUp(t);
  await begin().requirePool(pool);
  become(`${root}\n${mounted.replace('nas.example', '192.0.2.7').replace('nfs4', 'nfs')}`);
  await t.resolves(begin().requirePool(pool));
});

t.test('a running agent takes a pool where it is after its administrator has accepted it', async (t) => {
  const { dataDir, pools, pool, world, become, begin } = setUp(t);
  const agent = begin();
  await agent.requirePool(pool);
  const settings = { dataDir, poolDirectories: [pools] };
  const [real] = [mountOf(pool, await readMountTable())];
  const here = `the file system at ${real?.mountPoint} (${real?.type}, ${real?.source})`;
  t.equal(
    await acceptPool(`${pool}/`, settings),
    `The shared pool ${pool} is used on ${here} from now on, no more on the file system at ${pool} (nfs4, nas.example:/vm).`,
  );
  become(line(real?.mountPoint ?? '', 'ext4', '/dev/sda1'));
  await t.resolves(agent.requirePool(pool));
  t.equal(await acceptPool(pool, settings), `The shared pool ${pool} is used on ${here} as before.`);
  t.equal(await acceptPool(pools, settings), `The shared pool ${pools} is used on ${here} from now on.`);
  await t.rejects(acceptPool(join(pools, 'none'), settings), {
    name: 'OperatorError',
    message: `the shared pool's folder ${pools}/none is not there: is it mounted?`,
  });
  await t.rejects(acceptPool('/', settings), { name: 'OperatorError', message: /poolDirectories/ });
  rmSync(dataDir, { recursive: true });
  await t.rejects(acceptPool(pool, settings), {
    name: 'OperatorError',
    message: /^it could not be written down/,
  });
  t.equal(world.reads, 2);
});

t.test(
  'a folder that is bound onto itself, as systemd does, is where it was, and so is a pool that is not mounted',
  async (t) => {
    const { pool, world, become, begin, mounted } = setUp(t);
    const plain = pool.replaceAll(' ', '\\040');
    const bound = (source: string, from: string) =>
      `40 36 ${deviceOf(source)} ${from} ${plain} rw,relatime - any ${source} rw`;
    await begin().requirePool(pool);
    become(`${root}\n${mounted}\n${bound('nas.example:/vm', '/')}`);
    await t.resolves(begin().requirePool(pool), 'over the mount');
    become(`${root}\n${bound('/dev/sda1', plain)}`);
    await t.rejects(begin().requirePool(pool), {
      message: /is on the file system at \/ \(ext4, \/dev\/sda1\) now/,
    });
    world.table = `${root}\n${bound('/dev/sda1', '/elsewhere')}`;
    await t.resolves(begin().requirePool(pool), 'another folder is another matter');
  },
);

t.test('what cannot be understood is not taken for nothing', async (t) => {
  const { dataDir, pool, begin } = setUp(t);
  const file = join(dataDir, 'pool-mounts.json');
  for (const content of ['', '{"a":1}', '[]']) {
    writeFileSync(file, content);
    await t.rejects(begin().requirePool(pool), {
      message: /pool-mounts.json cannot be understood: see that/,
    });
    t.equal(readFileSync(file, 'utf8'), content);
  }
});

t.test(
  'the nearest of what is mounted above a path is what it is on, and of several at one place the last',
  async (t) => {
    const table = [
      root,
      line('/srv', 'xfs', '/dev/sdb1'),
      line('/srv/vm', 'autofs', 'systemd-1'),
      line('/srv/vm', 'nfs4', 'nas:/vm', ''),
      line('/srv/vm2', 'tmpfs', 'none', ' master:3 propagate_from:2'),
      line('/mnt/a\\134b\\040c', 'ext4', '/dev/disk/by-label/a\\040b'),
      'a line of a later kernel',
      '',
    ].join('\n');
    const at = (path: string) => Object.values(mountOf(path, table) ?? {}).join(' ');
    t.equal(at('/srv/vm/x'), '/srv/vm nfs4 nas:/vm');
    t.equal(at('/srv/vm'), '/srv/vm nfs4 nas:/vm');
    t.equal(at('/srv/vm2'), '/srv/vm2 tmpfs none');
    t.equal(at('/srv/vm3'), '/srv xfs /dev/sdb1');
    t.equal(at('/'), '/ ext4 /dev/sda1');
    t.equal(at('/mnt/a\\b c/d'), '/mnt/a\\b c ext4 /dev/disk/by-label/a b');
    t.equal(mountOf('/srv', ''), null);
  },
);
