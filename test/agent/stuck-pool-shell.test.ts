/** What the agent does now and then, while a shared pool hangs: nothing that hangs is begun again, and all else goes on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import t from 'tap';
import { Ledger } from '../../agent/converge/ledger.js';
import { FakeHypervisor } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import type { Hypervisor, VolumeRef } from '../../agent/hypervisor/hypervisor.js';
import { ImageFault } from '../../agent/images/image-fault.js';
import type { ImageStore } from '../../agent/images/image-store.js';
import { shellOf } from './shell-of.js';
import { until } from './until.js';
import { uidOf, wanted } from './world.js';

const turns = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const minuteMs = 60_000;

t.test(
  'orphans and trash in a pool that hangs are asked for once, and those of others each time',
  async (t) => {
    mock.timers.enable({ apis: ['setInterval'] });
    const folder = mkdtempSync(join(tmpdir(), 'secovia-shell-'));
    const fake = new FakeHypervisor();
    // VMs of which no permit speaks.
    const orphans = ['/pools/hung', '/pools/well', ''].map((poolPath, number) => ({
      uid: uidOf(number),
      poolPath,
    }));
    for (const volume of orphans) {
      const { uid } = volume;
      fake.host.createVolume({ ...volume, sizeMib: 64, backing: { path: '/image', format: 'qcow2' } });
      const metadata = { uid, term: 1, generation: 1, specHash: '', rebootCount: 0 };
      fake.host.define({ ...volume, name: uid, title: uid, vcpus: 1, memoryMib: 64, metadata });
    }
    const calls = { readVolume: [] as string[], emptyTrash: [] as string[] };
    const hanging: (() => void)[] = [];
    const hang = () => new Promise<void>((resolve) => hanging.push(resolve));
    let lists = 0;
    const hypervisor: Hypervisor = Object.assign(fake, {
      list: async () => {
        lists++;
        return fake.host.list();
      },
      readVolume: async (volume: VolumeRef) => {
        calls.readVolume.push(volume.poolPath);
        if (volume.poolPath === '/pools/hung') await hang();
        return fake.host.readVolume(volume);
      },
      emptyTrash: async (poolPath: string) => {
        calls.emptyTrash.push(poolPath);
        if (poolPath === '/pools/hung') await hang();
        return 0;
      },
    });
    let roomsKept = 0;
    const keep = async () => {
      roomsKept++;
    };
    const fetching: ((error: ImageFault) => void)[] = [];
    const fetch = () => new Promise((_, reject) => fetching.push(reject));
    const ledger = new Ledger('boot');
    for (const [number, storagePoolPath] of ['/pools/hung', '/pools/well'].entries())
      ledger.accept(wanted({ uid: uidOf(10 + number), role: 'stopped', storagePoolPath }));
    const { shell } = shellOf({
      folder,
      ledger,
      poolDirectories: ['/pools'],
      hypervisor,
      // What is to be made waits for its image.
      images: { fetch } as unknown as ImageStore,
      room: { keep },
      transport: { open: () => ({ send: () => true, close: () => undefined }) },
    });
    shell.start();
    t.teardown(async () => {
      for (const end of hanging) end();
      await shell.stop('the test is over');
      mock.timers.reset();
      rmSync(folder, { recursive: true });
    });
    const times = (found: string[], path: string) => found.filter((each) => each === path).length;
    await until('the orphans have been looked at', () => calls.readVolume.length === orphans.length);
    const listsBefore = lists;
    for (let minute = 0; minute < 30; minute++) {
      mock.timers.tick(minuteMs);
      await turns();
    }
    t.ok(lists >= listsBefore + 30, 'domains are still listed');
    t.equal(times(calls.readVolume, '/pools/hung'), 1);
    t.ok(times(calls.readVolume, '/pools/well') >= 30);
    t.ok(times(calls.readVolume, '') >= 30);
    t.equal(times(calls.emptyTrash, '/pools/hung'), 1);
    t.equal(times(calls.emptyTrash, '/pools/well'), 3);
    t.equal(times(calls.emptyTrash, ''), 3);
    t.equal(roomsKept, 30, 'room is kept on the disk every minute');
    for (const refuse of fetching.splice(0)) refuse(new ImageFault('noSpace', 'no room for it'));
    await turns();
    t.ok(roomsKept > 30, 'and when there is none');

    for (const end of hanging.splice(0)) end();
    await turns();
    for (let minute = 0; minute < 10; minute++) {
      mock.timers.tick(minuteMs);
      await turns();
    }
    t.equal(times(calls.emptyTrash, '/pools/hung'), 2, 'and again when it is back');
    t.ok(times(calls.readVolume, '/pools/hung') >= 2);
  },
);
