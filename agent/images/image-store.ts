/**
 * The host's copies of catalogue images: fetched once, verified while they stream in, named by their digest, and
 * shared by all VMs as the backing of their disks. Several VMs that need the same image wait for one download.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImageRef } from '../converge/desired.js';
import type { FetchedImage } from '../converge/effects.js';
import type { HypervisorError } from '../hypervisor/hypervisor.js';
import { requirePool } from '../hypervisor/pool-folders.js';
import { imageFile } from './image-file.js';
import { ImageFault } from './image-fault.js';
import { readQcow2VirtualSizeMib } from './qcow2-header.js';
import { openSource } from './source.js';

export interface CachedImage {
  sha256: string;
  sizeBytes: number;
}

interface Download {
  done: Promise<FetchedImage>;
  listeners: Set<(progress: string) => void>;
  controller: AbortController;
}

const mib = 1024 * 1024;
const progressIntervalMs = 500;
/** Left free on the disk, so that the host itself does not run out. */
const keepFreeBytes = 64 * mib;

export class ImageStore {
  readonly #ownFolder: string;
  readonly #imageDirectories: readonly string[];
  readonly #downloads = new Map<string, Download>();

  /** Files may come from `imageDirectories`, and shared pools be in `poolDirectories`. */
  constructor(
    dataDir: string,
    imageDirectories: readonly string[],
    private readonly poolDirectories: readonly string[] = [],
  ) {
    this.#ownFolder = join(dataDir, 'images');
    this.#imageDirectories = imageDirectories;
  }

  /** Makes the folder, and clears what an earlier process left half done. */
  async prepare(): Promise<void> {
    await mkdir(this.#ownFolder, { recursive: true, mode: 0o711 });
    for (const file of await readdir(this.#ownFolder)) {
      if (file.endsWith('.partial')) await rm(join(this.#ownFolder, file), { force: true });
    }
  }

  async list(): Promise<CachedImage[]> {
    const files = await readdir(this.#ownFolder).catch(() => []);
    const images = files.flatMap((file) => /^([0-9a-f]{64})\.(qcow2|raw)$/.exec(file)?.slice(0, 2) ?? []);
    const cached: CachedImage[] = [];
    for (let index = 0; index < images.length; index += 2) {
      const entry = await stat(join(this.#ownFolder, images[index] ?? '')).catch(() => null);
      if (entry !== null) cached.push({ sha256: images[index + 1] ?? '', sizeBytes: entry.size });
    }
    return cached;
  }

  /** The verified image on this host, or in the shared pool at `poolPath`. @throws ImageFault */
  async fetch(
    image: ImageRef,
    poolPath: string,
    onProgress: (progress: string) => void,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    const folder = poolPath === '' ? this.#ownFolder : join(poolPath, 'images');
    const path = join(folder, imageFile(image));
    if (poolPath !== '') {
      await this.#requirePool(poolPath);
      await mkdir(folder, { recursive: true, mode: 0o711 });
      await this.#requirePool(folder);
    }
    // A symbolic link is no image: others may write to a shared pool.
    const cached = await lstat(path).catch(() => null);
    if (cached?.isFile() && (image.sizeBytes === 0 || cached.size === image.sizeBytes)) {
      return { path, virtualSizeMib: await virtualSizeMib(image, path) };
    }
    if (signal.aborted) throw new ImageFault('cancelled', 'not needed any more');
    return this.#join(image, folder, path, onProgress, signal);
  }

  async #requirePool(poolPath: string): Promise<void> {
    await requirePool(poolPath, this.poolDirectories).catch((error: HypervisorError) => {
      throw new ImageFault(error.fault === 'invalid' ? 'denied' : 'failed', error.message);
    });
  }

  /** Waits for the download of this image, and begins it if nobody has. */
  async #join(
    image: ImageRef,
    folder: string,
    path: string,
    onProgress: (progress: string) => void,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    let download = this.#downloads.get(path);
    if (download === undefined) {
      const listeners = new Set<(progress: string) => void>();
      const controller = new AbortController();
      const done = this.#download(image, folder, path, listeners, controller.signal).finally(() =>
        this.#downloads.delete(path),
      );
      done.catch(() => undefined);
      download = { done, listeners, controller };
      this.#downloads.set(path, download);
    }
    const { done, listeners, controller } = download;
    const listener = (progress: string) => onProgress(progress);
    listeners.add(listener);
    let leave: () => void = () => undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(new ImageFault('cancelled', 'not needed any more'));
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([done, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      listeners.delete(listener);
      if (listeners.size === 0) controller.abort();
    }
  }

  async #download(
    image: ImageRef,
    folder: string,
    path: string,
    listeners: Set<(progress: string) => void>,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    await mkdir(folder, { recursive: true, mode: 0o711 });
    const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
    try {
      const { stream, sizeBytes } = await openSource(image.source, this.#imageDirectories, signal);
      const expected = image.sizeBytes > 0 ? image.sizeBytes : sizeBytes;
      const bound = await this.#sizeBound(image, folder, sizeBytes).catch((error: Error) => {
        stream.destroy();
        throw error;
      });
      const digest = createHash('sha256');
      let received = 0;
      let toldAt = 0;
      const check = new Transform({
        transform(chunk: Buffer, _encoding, done: TransformCallback) {
          received += chunk.length;
          if (received > bound) {
            return done(
              new ImageFault('denied', `the image is larger than the ${bound} bytes it should have`),
            );
          }
          digest.update(chunk);
          if (Date.now() - toldAt >= progressIntervalMs) {
            toldAt = Date.now();
            for (const listener of listeners) listener(progressText(received, expected));
          }
          return done(null, chunk);
        },
      });
      await pipeline(stream, check, createWriteStream(partial, { flags: 'wx', mode: 0o644 }), { signal });
      const hex = digest.digest('hex');
      if (hex !== image.sha256) {
        throw new ImageFault('denied', `the image's digest is sha256:${hex}, not sha256:${image.sha256}`);
      }
      const size = await virtualSizeMib(image, partial);
      await syncPath(partial);
      await rename(partial, path);
      await syncPath(folder);
      return { path, virtualSizeMib: size };
    } catch (error) {
      await rm(partial, { force: true });
      throw asImageFault(error, signal);
    }
  }

  /** How many bytes may come, which the source itself may have said wrongly. */
  async #sizeBound(image: ImageRef, folder: string, offered: number | null): Promise<number> {
    const { bavail, bsize } = await statfs(folder);
    const free = Math.max(0, bavail * bsize - keepFreeBytes);
    if (image.sizeBytes > 0 && offered !== null && offered !== image.sizeBytes) {
      const message = `the image has ${offered} bytes, and the catalogue says ${image.sizeBytes}`;
      throw new ImageFault('denied', message);
    }
    const expected = image.sizeBytes > 0 ? image.sizeBytes : (offered ?? free);
    if (expected > free) {
      throw new ImageFault('noSpace', `the image needs ${expected} bytes, and ${folder} has ${free} free`);
    }
    return expected;
  }
}

async function virtualSizeMib(image: ImageRef, path: string): Promise<number> {
  if (image.format === 'qcow2') return readQcow2VirtualSizeMib(path);
  return Math.ceil((await stat(path)).size / mib);
}

function progressText(received: number, expected: number | null): string {
  if (expected === null || expected === 0) return `fetching image ${Math.floor(received / mib)} MiB`;
  return `fetching image ${Math.floor((100 * received) / expected)} %`;
}

function asImageFault(error: unknown, signal: AbortSignal): ImageFault {
  if (error instanceof ImageFault) return error;
  if (signal.aborted) return new ImageFault('cancelled', 'not needed any more');
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ImageFault('noSpace', message);
  return new ImageFault('failed', `the image could not be fetched: ${message}`);
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
