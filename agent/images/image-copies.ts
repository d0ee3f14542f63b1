/**
 * What stands at an image's place, and whether it is the image. In the host's own folder this agent has put it there itself; in
 * a shared pool another host may have, or whoever else can write there, and a name and a size are easily had. So what is found
 * in a pool is hashed before this process uses it, and again when it is another file or has been changed.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import type { ImageRef } from '../converge/desired.js';
import type { FetchedImage } from '../converge/effects.js';
import { nullWhen } from '../null-when.js';
import { ImageFault } from './image-fault.js';
import type { Calls } from './partial-file.js';
import { progressOf } from './progress.js';
import { readQcow2VirtualSizeMib } from './qcow2-header.js';
import { readableOf } from './source.js';

const mib = 1024 * 1024;

export class ImageCopies {
  /** What the files were that had their image's digest, by their paths. */
  readonly #hashed = new Map<string, string>();

  /** The file of the host's own folder; null when there is none. */
  async own(image: ImageRef, path: string): Promise<FetchedImage | null> {
    const entry = await entryAt(path);
    return entry !== null && mayBe(image, entry) ? found(image, path) : null;
  }

  /** The file of a shared pool, if it has been hashed as it is. */
  async known(image: ImageRef, path: string): Promise<FetchedImage | null> {
    const entry = await entryAt(path);
    return entry !== null && this.#hashed.get(path) === identityOf(entry) ? found(image, path) : null;
  }

  /** This process has hashed it while it came. */
  remember(path: string, entry: BigIntStats): void {
    this.#hashed.set(path, identityOf(entry));
  }

  /**
   * Reads the file if it is not known yet, a piece at a time, as one that is fetched: others have their turn in between, in
   * the pool and on the event loop.
   *
   * @returns null when there is none, or another than the image. What cannot be read is not known to be another.
   */
  async verify(
    image: ImageRef,
    path: string,
    calls: Calls,
    tell: (progress: string) => void,
    signal: AbortSignal,
  ): Promise<FetchedImage | null> {
    const opened = await calls(() => openCopy(image, path));
    if (opened === null) return null;
    const { file, entry } = opened;
    if (this.#hashed.get(path) === identityOf(entry)) {
      await calls(() => file.close());
    } else {
      const digest = createHash('sha256');
      const count = progressOf('checking', Number(entry.size), tell);
      for await (const piece of readableOf(file, calls)) {
        if (signal.aborted) throw new ImageFault('cancelled', 'not needed any more');
        digest.update(piece as Buffer);
        count((piece as Buffer).length);
      }
      if (digest.digest('hex') !== image.sha256) return null;
      this.remember(path, entry);
    }
    return calls(() => found(image, path));
  }
}

const identityOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string => `${dev} ${ino} ${size} ${mtimeNs}`;

/** A symbolic link is no image: others may write to a shared pool. */
const mayBe = (image: ImageRef, entry: BigIntStats): boolean =>
  entry.isFile() && (image.sizeBytes === 0 || Number(entry.size) === image.sizeBytes);

const entryAt = (path: string): Promise<BigIntStats | null> =>
  lstat(path, { bigint: true }).catch(nullWhen('ENOENT'));

async function openCopy(
  image: ImageRef,
  path: string,
): Promise<{ file: FileHandle; entry: BigIntStats } | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(nullWhen('ENOENT', 'ELOOP'));
  if (file === null) return null;
  const entry = await file.stat({ bigint: true });
  if (mayBe(image, entry)) return { file, entry };
  await file.close();
  return null;
}

async function found(image: ImageRef, path: string): Promise<FetchedImage> {
  return { path, virtualSizeMib: await virtualSizeMib(image, path) };
}

/** @throws ImageFault when it is nothing that QEMU may see. */
export async function virtualSizeMib(image: ImageRef, path: string): Promise<number> {
  if (image.format === 'qcow2') return readQcow2VirtualSizeMib(path);
  return Math.ceil((await stat(path)).size / mib);
}
