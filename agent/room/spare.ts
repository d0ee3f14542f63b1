/**
 * What the host's own disk can do without: disks of deleted VMs, and copies of images that no disk is built on. The former are kept
 * in case that somebody wants one back, the latter so that they need not be fetched again.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTrashFile } from '../hypervisor/volume-names.js';
import { sha256OfImageFile } from '../images/image-file.js';
import { readQcow2Disk } from '../images/qcow2-header.js';

/** Bytes on disk of a file system's block, as stat(2) counts. */
const blockBytes = 512;

/** Removes from the host's trash, the oldest first, until so many bytes are free that were not. Gives how many are. */
export async function removeTrash(dataDir: string, bytes: number): Promise<number> {
  const folder = join(dataDir, 'trash');
  const thrown = (await filesOf(folder)).flatMap((file) => {
    const read = readTrashFile(file);
    return read === null ? [] : [{ file, wallMs: read.thrownWallMs }];
  });
  thrown.sort((a, b) => a.wallMs - b.wallMs);
  return removeUntil(
    bytes,
    thrown.map(({ file }) => join(folder, file)),
  );
}

/**
 * Removes images that no disk is built on, those of the trash included, the oldest first, until so many bytes are free that were not.
 *
 * @param isWanted whether somebody is about to build one on the image at this path.
 * @throws what reading a disk throws: of one that cannot be read it is not known what it is built on.
 */
export async function removeImages(
  dataDir: string,
  bytes: number,
  isWanted: (path: string) => boolean,
): Promise<number> {
  const used = new Set<string>();
  for (const folder of ['volumes', 'trash']) {
    for (const file of await filesOf(join(dataDir, folder))) {
      const disk = await readQcow2Disk(join(dataDir, folder, file));
      if (disk !== null) used.add(sha256OfImageFile(disk.backing));
    }
  }
  const folder = join(dataDir, 'images');
  const unused: { path: string; changedMs: number }[] = [];
  for (const file of await filesOf(folder)) {
    const path = join(folder, file);
    const sha256 = sha256OfImageFile(path);
    if (sha256 === '' || used.has(sha256) || isWanted(path)) continue;
    unused.push({ path, changedMs: (await stat(path)).mtimeMs });
  }
  unused.sort((a, b) => a.changedMs - b.changedMs);
  return removeUntil(
    bytes,
    unused.map(({ path }) => path),
  );
}

async function removeUntil(bytes: number, paths: readonly string[]): Promise<number> {
  let freed = 0;
  for (const path of paths) {
    if (freed >= bytes) break;
    const { blocks } = await stat(path);
    await rm(path);
    freed += blocks * blockBytes;
  }
  return freed;
}

const filesOf = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
