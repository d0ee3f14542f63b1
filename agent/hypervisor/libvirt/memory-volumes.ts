/**
 * Volumes in a pool of libvirt's test driver: names and sizes in memory, no files. There is nothing to rename, to
 * keep as trash, or to find after the process is gone.
 */
import { ErrorCode } from '../../../native/index.js';
import type { VolumeAccount, VolumeRef, VolumeRequest } from '../hypervisor.js';
import { hasCode } from './failure.js';
import { PoolDirectory } from './pools.js';
import type { LibvirtSession } from './session.js';
import type { Volumes } from './volumes.js';
import { type FoundVolume, readVolumeFile, volumeFile } from '../volume-names.js';
import { element, render } from './xml.js';

const path = '/secovia/volumes';
const mib = 1024 * 1024;

export class MemoryVolumes implements Volumes {
  readonly #session: LibvirtSession;
  readonly #pools = new PoolDirectory(path);

  constructor(session: LibvirtSession) {
    this.#session = session;
  }

  path({ uid }: VolumeRef): string {
    return `${path}/${volumeFile(uid)}`;
  }

  async exists({ uid }: VolumeRef): Promise<boolean> {
    const found = await this.list();
    return found.some((volume) => volume.uid === uid);
  }

  async create({ uid, sizeMib }: VolumeRequest): Promise<void> {
    const xml = render(
      element(
        'volume',
        {},
        element('name', {}, volumeFile(uid)),
        element('capacity', { unit: 'MiB' }, String(sizeMib)),
        element('target', {}, element('format', { type: 'qcow2' })),
      ),
    );
    await this.#session.run('control', async (connection) => {
      await connection.volumeCreate(await this.#pools.ensure(connection, ''), xml);
    });
  }

  /** The test driver cannot resize. */
  async grow(_volume: VolumeRef, sizeMib: number): Promise<number> {
    return sizeMib;
  }

  async trash(volume: VolumeRef): Promise<void> {
    await this.remove(volume);
  }

  async remove({ uid }: VolumeRef): Promise<void> {
    try {
      await this.#session.run('control', async (connection) => {
        await connection.volumeDelete(await this.#pools.ensure(connection, ''), volumeFile(uid));
      });
    } catch (error) {
      if (!hasCode(error, ErrorCode.NO_STORAGE_VOL)) throw error;
    }
  }

  async list(): Promise<FoundVolume[]> {
    const volumes = await this.#session.run('query', async (connection) =>
      connection.volumeList(await this.#pools.ensure(connection, '')),
    );
    return volumes.flatMap(({ name }) => readVolumeFile(name) ?? []);
  }

  async read({ uid }: VolumeRef): Promise<VolumeAccount | null> {
    if (!(await this.exists({ uid, poolPath: '' }))) return null;
    const { capacityBytes } = await this.#session.run('query', async (connection) =>
      connection.volumeInfo(await this.#pools.ensure(connection, ''), volumeFile(uid)),
    );
    return { sizeMib: Number(capacityBytes) / mib, imageSha256: '' };
  }

  poolOf(uid: string, file: string): string | null {
    return file === this.path({ uid, poolPath: '' }) ? '' : null;
  }

  async emptyTrash(): Promise<number> {
    return 0;
  }
}
