import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import t from 'tap';
import { HypervisorError } from '../../agent/hypervisor/hypervisor.js';
import { PoolFolders } from '../../agent/hypervisor/pool-folders.js';
import { FileVolumes } from '../../agent/hypervisor/libvirt/file-volumes.js';
import type { LibvirtSession } from '../../agent/hypervisor/libvirt/session.js';
import { PoolMounts } from '../../agent/state/pool-mounts.js';
import { uidOf, wanted } from './world.js';

const volume = { uid: wanted().uid, poolPath: '' };
const request = { ...volume, sizeMib: 64, backing: { path: '/srv/images/tiny.raw', format: 'raw' as const } };

const poolsIn = (dataDir: string, ...pools: string[]) => new PoolFolders(pools, new PoolMounts(dataDir));

/** libvirt that makes a volume when it is told to, for a caller who may not wait for that. */
class SlowLibvirt {
  #asked: (name: string) => void = () => {};
  #answer: (error: Error | null) => void = () => {};

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  get session(): LibvirtSession {
    const connection = {
      poolDefine: async () => ({ active: true }),
      volumeCreate: (_: string, xml: string) =>
        new Promise<void>((resolve, reject) => {
          this.#answer = (error) => (error === null ? resolve() : reject(error));
          this.#asked(/<name>(.*?)<\/name>/.exec(xml)?.[1] ?? '');
        }),
    };
    const runInPool = (_: string, call: (_: unknown) => unknown) => call(connection);
    return { runInPool } as unknown as LibvirtSession;
  }

  /** Calls, and gives the name of the file that libvirt is asked for. */
  async askedBy(call: () => Promise<void>): Promise<{ file: string; made: Promise<void> }> {
    const name = new Promise<string>((resolve) => {
      this.#asked = resolve;
    });
    const made = call();
    return { file: await Promise.race([name, made.then(() => '')]), made };
  }

  make(file: string): void {
    writeFileSync(join(this.folder, file), '');
  }

  answer(error: Error | null): void {
    this.#answer(error);
  }

  files(): string[] {
    return readdirSync(this.folder);
  }
}

t.test('a volume that libvirt makes after its caller has given up never gets its name', async (t) => {
  const dataDir = t.testdir();
  const libvirt = new SlowLibvirt(join(dataDir, 'volumes'));
  const volumes = new FileVolumes(libvirt.session, dataDir, poolsIn(dataDir));
  const late = await libvirt.askedBy(() => volumes.create(request));
  libvirt.answer(new HypervisorError('timeout', 'no answer in time'));
  await t.rejects(late.made, new HypervisorError('timeout', 'no answer in time'));
  libvirt.make(late.file);
  t.same(libvirt.files(), [late.file], 'what comes late stays unfinished');
  t.notOk(await volumes.exists(volume));

  const again = await libvirt.askedBy(() => volumes.create(request));
  libvirt.make(again.file);
  libvirt.answer(null);
  await again.made;
  t.same(libvirt.files(), [`${volume.uid}.qcow2`], 'and is cleared away when it is made again');
});

t.test(
  'a disk in the trash of a shared pool is kept as long as the host says that threw it there',
  async (t) => {
    const folder = t.testdir({ pool: { trash: {} } });
    const pool = join(folder, 'pool');
    const hourMs = 3600_000;
    const startMs = Date.UTC(2026, 10, 27);
    mock.timers.enable({ apis: ['Date'], now: startMs });
    t.teardown(() => mock.timers.reset());
    const { session } = new SlowLibvirt(join(folder, 'h1', 'volumes'));
    const host = (name: string) => new FileVolumes(session, join(folder, name), poolsIn(folder, pool));
    const [hasty, patient] = [host('h1'), host('h2')];
    const trash = () => readdirSync(join(pool, 'trash'));
    const throwAway = async (number: number, by: FileVolumes, hours: number) => {
      const thrown = { uid: uidOf(number), poolPath: pool };
      writeFileSync(by.path(thrown), '');
      await by.trash(thrown, Date.now() + hours * hourMs);
    };
    await throwAway(1, hasty, 24);
    await throwAway(2, patient, 168);
    const ofBefore = `${uidOf(3)}.${startMs}.qcow2`;
    writeFileSync(join(pool, 'trash', ofBefore), '');
    const emptyAfter = async (hours: number) => {
      mock.timers.setTime(startMs + hours * hourMs);
      return [await patient.emptyTrash(pool, 168 * hourMs), await hasty.emptyTrash(pool, 24 * hourMs)];
    };
    t.same(await emptyAfter(23), [0, 0]);
    t.same(await emptyAfter(24), [1, 1], "its own by either; one of before by whoever's time is over");
    t.same(trash(), [`${uidOf(2)}.${startMs}-${startMs + 168 * hourMs}.qcow2`]);
    t.same(await emptyAfter(167), [0, 0]);
    t.same(await emptyAfter(168), [1, 0]);
    t.same(trash(), []);
  },
);

t.test(
  'a pool without trash is told from one whose trash is empty, and trash that is elsewhere is not touched',
  async (t) => {
    const folder = t.testdir({ pool: {}, elsewhere: { [`${uidOf(1)}.1-2.qcow2`]: '' } });
    const [pool, elsewhere] = [join(folder, 'pool'), join(folder, 'elsewhere')];
    const { session } = new SlowLibvirt(join(folder, 'volumes'));
    const volumes = new FileVolumes(session, folder, poolsIn(folder, pool));
    t.equal(await volumes.emptyTrash(pool, 0), null, 'as one that is not mounted');
    mkdirSync(join(pool, 'trash'));
    t.equal(await volumes.emptyTrash(pool, 0), 0);
    rmSync(join(pool, 'trash'), { recursive: true });
    symlinkSync(elsewhere, join(pool, 'trash'));
    await t.rejects(volumes.emptyTrash(pool, 0), { message: /is not in one of this host's poolDirectories/ });
    t.equal(readdirSync(elsewhere).length, 1);
  },
);

t.test("with a VM's disk go all of its console logs, and nobody else's", async (t) => {
  for (const how of ['trash', 'remove'] as const) {
    const [own, other] = [uidOf(1), uidOf(2)];
    const others = ['log', 'log.0', 'log.1'].map((end) => `${other}.${end}`);
    const logs = ['log', 'log.0', 'log.1', 'log.12'].map((end) => `${own}.${end}`);
    const folder = t.testdir({
      volumes: {},
      console: Object.fromEntries([...logs, ...others].map((file) => [file, ''])),
    });
    const { session } = new SlowLibvirt(join(folder, 'volumes'));
    const volumes = new FileVolumes(session, folder, poolsIn(folder));
    t.equal(volumes.consoleLog(own), join(folder, 'console', `${own}.log`));
    await volumes[how]({ uid: own, poolPath: '' }, Date.now());
    t.same(readdirSync(join(folder, 'console')), others, how);
  }
});
