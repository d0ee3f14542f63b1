/**
 * Volumes as files in libvirt's folder pools: the host's own pool under the agent's data folder, and shared pools
 * where they are mounted. libvirt makes and grows them; looking, renaming and trashing are the file system's.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Connection } from '../../../native/index.js';
import { sha256OfImageFile } from '../../images/image-file.js';
import { nullWhen } from '../../null-when.js';
import { syncPath } from '../../sync-path.js';
import { readQcow2Disk } from '../../images/qcow2-header.js';
import type { VolumeAccount, VolumeRef, VolumeRequest } from '../hypervisor.js';
import type { PoolFolders } from '../pool-folders.js';
import type { DiskCache } from './domain-xml.js';
import { PoolDirectory } from './pools.js';
import type { LibvirtSession } from './session.js';
import type { Volumes } from './volumes.js';
import {
  type FoundVolume,
  partialFile,
  readTrashFile,
  readVolumeFile,
  trashFile,
  volumeFile,
} from '../volume-names.js';
import { element, render } from './xml.js';

const createDeadlineMs = 60_000;
const mib = 1024 * 1024;

export class FileVolumes implements Volumes {
  readonly #session: LibvirtSession;
  readonly #pools: PoolDirectory;
  readonly #dataDir: string;
  /** By their folders, as a look at a volume of each has shown. */
  readonly #diskCaches = new Map<string, DiskCache>();

  constructor(
    session: LibvirtSession,
    dataDir: string,
    private readonly poolFolders: PoolFolders,
  ) {
    this.#session = session;
    this.#dataDir = dataDir;
    this.#pools = new PoolDirectory(join(dataDir, 'volumes'));
  }

  /** Makes sure that the host's own pool is there; called for each new connection. */
  async prepare(connection: Connection): Promise<void> {
    for (const folder of ['volumes', 'trash', 'console']) {
      await mkdir(join(this.#dataDir, folder), { recursive: true, mode: 0o711 });
    }
    this.#pools.forget();
    await this.#pools.ensure(connection, '');
  }

  /** Of volumes in this pool; null before one of them was made, looked at, or grown while it was not open. */
  diskCache(poolPath: string): DiskCache | null {
    return this.#diskCaches.get(poolPath) ?? null;
  }

  /** The file system may hang, so that a call has to have one of the pool's places for it. */
  async #learnDiskCache(volume: VolumeRef): Promise<void> {
    const cache = await diskCacheOf(this.path(volume));
    if (cache !== null) this.#diskCaches.set(volume.poolPath, cache);
  }

  path({ uid, poolPath }: VolumeRef): string {
    return join(this.#folder(poolPath), volumeFile(uid));
  }

  consoleLog(uid: string): string {
    return join(this.#dataDir, 'console', `${uid}.log`);
  }

  async exists(volume: VolumeRef): Promise<boolean> {
    await this.#requireFolder(volume.poolPath);
    const exists = await fileExists(this.path(volume));
    if (exists) await this.#learnDiskCache(volume);
    return exists;
  }

  async create({ uid, poolPath, sizeMib, backing }: VolumeRequest): Promise<void> {
    await this.#requireFolder(poolPath);
    await this.#clearPartials({ uid, poolPath });
    const partial = partialFile(uid, randomBytes(4).toString('hex'));
    const xml = render(
      element(
        'volume',
        { type: 'file' },
        element('name', {}, partial),
        element('capacity', { unit: 'MiB' }, String(sizeMib)),
        element(
          'target',
          {},
          element('format', { type: 'qcow2' }),
          element('permissions', {}, element('mode', {}, '0600')),
        ),
        // The format is said, never probed: a raw disk must not be able to pose as something else.
        element(
          'backingStore',
          {},
          element('path', {}, backing.path),
          element('format', { type: backing.format }),
        ),
      ),
    );
    await this.#session.runInPool(poolPath, (connection) =>
      this.#pools.use(connection, poolPath, (pool) =>
        connection.volumeCreate(pool, xml, { deadlineMs: createDeadlineMs }),
      ),
    );
    const folder = this.#folder(poolPath);
    await syncPath(join(folder, partial));
    await rename(join(folder, partial), this.path({ uid, poolPath }));
    await syncPath(folder);
    await this.#learnDiskCache({ uid, poolPath });
  }

  async grow(volume: VolumeRef, sizeMib: number): Promise<number> {
    await this.#requireFolder(volume.poolPath);
    await this.#learnDiskCache(volume);
    const file = volumeFile(volume.uid);
    return this.#session.runInPool(volume.poolPath, (connection) =>
      this.#pools.use(connection, volume.poolPath, async (pool) => {
        // The pool still knows the volume by the temporary name that it was made under.
        await connection.poolRefresh(pool, { deadlineMs: createDeadlineMs });
        const { capacityBytes } = await connection.volumeInfo(pool, file);
        const hasMib = Math.floor(Number(capacityBytes) / mib);
        if (hasMib >= sizeMib) return hasMib;
        await connection.volumeResize(pool, file, sizeMib * mib, {}, { deadlineMs: createDeadlineMs });
        return sizeMib;
      }),
    );
  }

  async trash(volume: VolumeRef, keepUntilWallMs: number): Promise<void> {
    await this.#requireFolder(volume.poolPath);
    const trash = this.#trashFolder(volume.poolPath);
    await mkdir(trash, { recursive: true, mode: 0o700 });
    if (volume.poolPath !== '') await this.poolFolders.requireInside(trash);
    try {
      await rename(this.path(volume), join(trash, trashFile(volume.uid, Date.now(), keepUntilWallMs)));
      await syncPath(trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await this.#clearPartials(volume);
    await this.#clearConsoleLogs(volume.uid);
  }

  async remove(volume: VolumeRef): Promise<void> {
    await this.#requireFolder(volume.poolPath);
    await rm(this.path(volume), { force: true });
    await this.#clearPartials(volume);
    await this.#clearConsoleLogs(volume.uid);
  }

  async list(): Promise<FoundVolume[]> {
    const files = await filesOf(this.#folder(''), []);
    return files.flatMap((file) => readVolumeFile(file) ?? []);
  }

  async read(volume: VolumeRef): Promise<VolumeAccount | null> {
    if (!(await this.exists(volume))) return null;
    const disk = await readQcow2Disk(this.path(volume));
    if (disk === null) return null;
    return { sizeMib: disk.virtualSizeMib, imageSha256: sha256OfImageFile(disk.backing) };
  }

  poolOf(uid: string, file: string): string | null {
    if (basename(file) !== volumeFile(uid)) return null;
    return file === this.path({ uid, poolPath: '' }) ? '' : dirname(file);
  }

  async emptyTrash(poolPath: string, olderThanMs: number): Promise<number | null> {
    const folder = this.#trashFolder(poolPath);
    const files = await filesOf(folder, null);
    if (files === null) return null;
    await this.#requireFolder(poolPath);
    if (poolPath !== '') await this.poolFolders.requireInside(folder);
    let removed = 0;
    for (const file of files) {
      const thrown = readTrashFile(file);
      if (thrown === null) continue;
      // In a shared pool it may be another host's, which keeps its disks longer than this one does.
      if (Date.now() < (thrown.keepUntilWallMs ?? thrown.thrownWallMs + olderThanMs)) continue;
      await rm(join(folder, file), { force: true });
      removed++;
    }
    return removed;
  }

  #folder(poolPath: string): string {
    return poolPath === '' ? join(this.#dataDir, 'volumes') : poolPath;
  }

  #trashFolder(poolPath: string): string {
    return poolPath === '' ? join(this.#dataDir, 'trash') : join(poolPath, 'trash');
  }

  /** A shared pool that is not mounted must not be mistaken for an empty one, nor filled on the root disk. */
  async #requireFolder(poolPath: string): Promise<void> {
    if (poolPath !== '') await this.poolFolders.requirePool(poolPath);
  }

  /** virtlogd begins a new one when it is full, and keeps those of before beside it, with numbers. */
  async #clearConsoleLogs(uid: string): Promise<void> {
    const folder = join(this.#dataDir, 'console');
    const isOne = new RegExp(`^${uid}\\.log(\\.\\d+)?$`);
    for (const file of await filesOf(folder, [])) {
      if (isOne.test(file)) await rm(join(folder, file), { force: true });
    }
  }

  async #clearPartials({ uid, poolPath }: VolumeRef): Promise<void> {
    const folder = this.#folder(poolPath);
    for (const file of await filesOf(folder, [])) {
      const found = readVolumeFile(file);
      if (found?.uid === uid && !found.whole) await rm(join(folder, file), { force: true });
    }
  }
}

/** A symbolic link is no volume: whoever else writes to a shared pool could have it lead anywhere. */
const fileExists = (path: string): Promise<boolean> =>
  lstat(path).then(
    (entry) => entry.isFile(),
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? false : Promise.reject(error)),
  );

const filesOf = async <None>(folder: string, none: None): Promise<string[] | None> =>
  (await readdir(folder).catch(nullWhen('ENOENT'))) ?? none;

/**
 * `none` needs a file system that takes direct I/O, as most do; without it libvirt hands no running guest over from an ordinary
 * one. Null when the file cannot be opened for another reason.
 */
async function diskCacheOf(path: string): Promise<DiskCache | null> {
  const { O_RDONLY, O_DIRECT, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const file = await open(path, O_RDONLY | O_DIRECT | O_NOFOLLOW | O_NONBLOCK);
    await file.close();
    return 'none';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EINVAL' ? 'writeback' : null;
  }
}
