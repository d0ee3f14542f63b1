/**
 * What the host's own disk can do without: disks of deleted VMs, and copies of images that no disk is built on. The former are kept
 * in case that somebody wants one back, the latter so that they need not be fetched again.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTrashFile, readVolumeFile } from '../hypervisor/volume-names.js';
import { sha256OfImageFile } from '../images/image-file.js';
import { readQcow2Disk } from '../images/qcow2-header.js';
import { nullWhen } from '../null-when.js';

/** Bytes on disk of a file system's block, as stat(2) counts. */
const blockBytes = 512;

/** Removes from the host's trash, the oldest first, until so many bytes are free that were not. Gives how many are. */
export async function removeTrash(dataDir: string, bytes: number): Promise<number> {
  const folder = join(dataDir, 'trash');
  const thrown = (await filesOf(folder)).flatMap((file) => {
    const read = readTrashFile(file);
    return read === null ? [] : [{ path: join(folder, file), sinceMs: read.thrownWallMs }];
  });
  return removeUntil(bytes, thrown, async (path) => {
    await rm(path, { force: true });
    return true;
  });
}

/**
 * Removes images that no disk is built on, those of the trash included, the oldest first, until so many bytes are free that were not.
 *
 * @param remove removes the one at this path, unless somebody is about to build a disk on it; gives whether it is gone.
 * @throws what reading a disk throws: of one that cannot be read it is not known what it is built on.
 */
export async function removeImages(
  dataDir: string,
  bytes: number,
  remove: (path: string) => Promise<boolean>,
): Promise<number> {
  const used = await imagesOfDisks(dataDir);
  const folder = join(dataDir, 'images');
  const unused: Spare[] = [];
  for (const file of await filesOf(folder)) {
    const path = join(folder, file);
    const sha256 = sha256OfImageFile(path);
    const entry = sha256 === '' || used.has(sha256) ? null : await entryAt(path);
    if (entry !== null) unused.push({ path, sinceMs: entry.mtimeMs });
  }
  return removeUntil(bytes, unused, remove);
}

/** The digests of the images on which the host's own disks are built. */
async function imagesOfDisks(dataDir: string): Promise<Set<string>> {
  const used = new Set<string>();
  for (const [folder, isDisk] of [
    ['volumes', readVolumeFile],
    ['trash', readTrashFile],
  ] as const) {
    for (const file of await filesOf(join(dataDir, folder))) {
      if (isDisk(file) === null) continue;
      const disk = await readQcow2Disk(join(dataDir, folder, file)).catch(absent);
      if (disk !== null) used.add(sha256OfImageFile(disk.backing));
    }
  }
  return used;
}

interface Spare {
  path: string;
  sinceMs: number;
}

async function removeUntil(
  bytes: number,
  spares: Spare[],
  remove: (path: string) => Promise<boolean>,
): Promise<number> {
  let freed = 0;
  for (const { path } of spares.sort((a, b) => a.sinceMs - b.sinceMs)) {
    if (freed >= bytes) break;
    const entry = await entryAt(path);
    if (entry !== null && (await remove(path))) freed += entry.blocks * blockBytes;
  }
  return freed;
}

/** Whoever else removes what is old may have done so meanwhile. */
const absent = nullWhen('ENOENT');
const entryAt = (path: string) => stat(path).catch(absent);
const filesOf = async (folder: string): Promise<string[]> => (await readdir(folder).catch(absent)) ?? [];
