import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { HypervisorError } from '../../agent/hypervisor/hypervisor.js';
import { FileVolumes } from '../../agent/hypervisor/libvirt/file-volumes.js';
import type { LibvirtSession } from '../../agent/hypervisor/libvirt/session.js';
import { wanted } from './world.js';

const volume = { uid: wanted().uid, poolPath: '' };
const request = { ...volume, sizeMib: 64, backing: { path: '/srv/images/tiny.raw', format: 'raw' as const } };

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
  const volumes = new FileVolumes(libvirt.session, dataDir, []);
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
