/**
 * Whether a shared pool's folder is what it says, before anything is read or written there. Its name was looked at before, but
 * whoever else mounts the pool could have put something else there; and a pool that is not mounted is a folder as well, in which
 * no VM has its disk, and where new ones would fill the host's own.
 */
import { opendir, realpath, stat } from 'node:fs/promises';
import { someFolder } from '../allowed-folders.js';
import { isAllowedPool } from '../converge/pool-policy.js';
import { type Mount, mountOf, readMountTable } from '../mount-table.js';
import type { PoolMounts } from '../state/pool-mounts.js';
import { HypervisorError } from './hypervisor.js';

export class PoolFolders {
  /** What the folders were that were found to be where they always were, by their paths. */
  readonly #seen = new Map<string, string>();

  /** Shared pools may be in `poolDirectories`, and nowhere else. */
  constructor(
    private readonly poolDirectories: readonly string[],
    private readonly mounts: Pick<PoolMounts, 'firstSeen'>,
    private readonly mountTable: () => Promise<string> = readMountTable,
  ) {}

  /** @throws HypervisorError when the pool is not there, leads out of what is allowed, or is on another file system than ever. */
  async requirePool(path: string): Promise<void> {
    const real = await this.#requireAllowed(path);
    const { dev, ino } = await stat(real, { bigint: true });
    // Mounting and unmounting gives the place another of the two.
    const folder = `${dev} ${ino}`;
    if (this.#seen.get(path) === folder) return;
    const now = mountOf(real, await this.mountTable());
    if (now !== null) {
      const before = await this.mounts.firstSeen(path, now);
      if (before.mountPoint !== now.mountPoint) throw new HypervisorError('failed', moved(path, before, now));
    }
    this.#seen.set(path, folder);
  }

  /** A folder inside a pool. @throws HypervisorError when it is not there, or leads out of what is allowed. */
  async requireInside(path: string): Promise<void> {
    await this.#requireAllowed(path);
  }

  /** The file system that the pool is on now, whatever it was before. @throws HypervisorError */
  async mountNow(path: string): Promise<Mount | null> {
    return mountOf(await this.#requireAllowed(path), await this.mountTable());
  }

  /** Gives where the path really leads. */
  async #requireAllowed(path: string): Promise<string> {
    const real = await realpath(path).catch(() => null);
    if (real === null || !(await canBeOpened(real))) {
      throw new HypervisorError('failed', `the shared pool's folder ${path} is not there: is it mounted?`);
    }
    if (await someFolder(this.poolDirectories, (folder) => isAllowedPool(real, [folder]))) return real;
    throw new HypervisorError(
      'invalid',
      `the shared pool's folder ${path} is not in one of this host's poolDirectories`,
    );
  }
}

/** Opening a folder, and nothing less, mounts what is mounted when it is needed. */
const canBeOpened = async (folder: string): Promise<boolean> => {
  const opened = await opendir(folder).catch(() => null);
  await opened?.close();
  return opened !== null;
};

export const fileSystem = ({ mountPoint, type, source }: Mount): string =>
  `the file system at ${mountPoint} (${type}, ${source})`;

const moved = (path: string, before: Mount, now: Mount): string =>
  `the shared pool ${path} was on ${fileSystem(before)}, and is on ${fileSystem(now)} now: mount it as it was, ` +
  `or run secovia-agent accept-pool ${path} on this host if it is to stay so`;
