/**
 * The host's copies of catalogue images: fetched once, verified while they stream in, named by their digest, and
 * shared by all VMs as the backing of their disks. Several VMs that need the same image from one source wait for one download.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImageRef } from '../converge/desired.js';
import type { FetchedImage } from '../converge/effects.js';
import type { PoolFolders } from '../hypervisor/pool-folders.js';
import { Lane } from '../lane.js';
import { PoolLanes } from '../pool-lanes.js';
import { ImageCopies, virtualSizeMib } from './image-copies.js';
import { imageFile } from './image-file.js';
import { asFolderFault, asImageFault, ImageFault } from './image-fault.js';
import { type Calls, isLeftPart, ownerOf, PartialFile, type PartOwner } from './partial-file.js';
import { progressOf } from './progress.js';
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
/** Left free on the disk, so that the host itself does not run out. */
const keepFreeBytes = 64 * mib;
/** Who has an image builds a disk on it at once, unless libvirt is away. */
const longestBuildMs = 3600_000;
/** Images that are files come from folders that may hang as pools do. */
export const placesOfImageFiles = 4;

export class ImageStore {
  readonly #ownFolder: string;
  readonly #imageDirectories: readonly string[];
  /** By source and place: what is to come from one that is slow or bad keeps nobody waiting who names another. */
  readonly #downloads = new Map<string, Download>();
  readonly #imageFiles = new Lane(placesOfImageFiles);
  readonly #copies = new ImageCopies();
  readonly #owner: PartOwner;
  /** When each of the host's own copies was last asked for, by a clock that nobody sets. */
  readonly #askedMs = new Map<string, number>();
  /** Those that are being removed. */
  readonly #going = new Map<string, Promise<void>>();
  /** Folders of shared pools in which nothing is left that an earlier process had half done. */
  readonly #cleared = new Set<string>();

  /** Files may come from `imageDirectories`. */
  constructor(
    host: string,
    dataDir: string,
    imageDirectories: readonly string[],
    private readonly poolFolders: PoolFolders,
    private readonly pools = new PoolLanes(),
  ) {
    this.#owner = ownerOf(host);
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
    const calls: Calls = (work) => this.pools.run(poolPath, 'image', work);
    const asked = () => poolPath === '' && this.#askedMs.set(path, performance.now());
    asked();
    await this.#going.get(path);
    const cached = await calls(() => this.#find(image, path, poolPath));
    if (cached !== null) return cached;
    if (signal.aborted) throw new ImageFault('cancelled', 'not needed any more');
    return this.#join(image, folder, path, calls, onProgress, signal).finally(asked);
  }

  /**
   * Removes the host's own copy at this path, unless a disk may be about to be built on it. Who asks for it meanwhile waits, and
   * fetches it anew. Gives whether it is gone.
   */
  async remove(path: string): Promise<boolean> {
    const askedMs = this.#askedMs.get(path);
    if (askedMs !== undefined && performance.now() - askedMs < longestBuildMs) return false;
    const going = rm(path, { force: true }).finally(() => this.#going.delete(path));
    this.#going.set(
      path,
      going.catch(() => undefined),
    );
    await going;
    return true;
  }

  async #find(image: ImageRef, path: string, poolPath: string): Promise<FetchedImage | null> {
    if (poolPath !== '') {
      const folder = dirname(path);
      await this.poolFolders.requirePool(poolPath).catch(asFolderFault);
      await mkdir(folder, { recursive: true, mode: 0o711 });
      await this.poolFolders.requireInside(folder).catch(asFolderFault);
      if (!this.#cleared.has(folder)) await this.#clearLeftParts(folder);
    }
    return poolPath === '' ? this.#copies.own(image, path) : this.#copies.known(image, path);
  }

  /** What a killed agent of this host had half done there: nobody else would. What cannot go keeps no VM waiting. */
  async #clearLeftParts(folder: string): Promise<void> {
    try {
      for (const file of await readdir(folder)) {
        if (isLeftPart(file, this.#owner)) await rm(join(folder, file), { force: true });
      }
      this.#cleared.add(folder);
    } catch {
      // It is tried again when the pool is used next.
    }
  }

  /** Waits for the download of this image, or the check of what is there, and begins it if nobody has. */
  async #join(
    image: ImageRef,
    folder: string,
    path: string,
    calls: Calls,
    onProgress: (progress: string) => void,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    const key = `${image.source} ${path}`;
    let download = this.#downloads.get(key);
    // One that everybody has left is ending: it would take this one along.
    if (download === undefined || download.controller.signal.aborted) {
      const listeners = new Set<(progress: string) => void>();
      const controller = new AbortController();
      const done = this.#download(image, folder, path, calls, listeners, controller.signal).finally(() => {
        if (this.#downloads.get(key)?.controller === controller) this.#downloads.delete(key);
      });
      done.catch(() => undefined);
      download = { done, listeners, controller };
      this.#downloads.set(key, download);
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

  /** Fetches it if what is there is not the image. */
  async #download(
    image: ImageRef,
    folder: string,
    path: string,
    calls: Calls,
    listeners: Set<(progress: string) => void>,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    let partial: PartialFile | null = null;
    const tell = (progress: string) => {
      for (const listener of listeners) listener(progress);
    };
    const verify = () => this.#copies.verify(image, path, calls, tell, signal);
    try {
      const there = await verify();
      if (there !== null) return there;
      await calls(() => mkdir(folder, { recursive: true, mode: 0o711 }));
      const readFiles: Calls = (work) => this.#imageFiles.run(work);
      const source = await openSource(image.source, this.#imageDirectories, signal, readFiles);
      const { stream, sizeBytes } = source;
      const expected = image.sizeBytes > 0 ? image.sizeBytes : sizeBytes;
      const giveUp = (error: Error) => {
        stream.destroy();
        throw error;
      };
      const bound = await calls(() => this.#sizeBound(image, folder, sizeBytes)).catch(giveUp);
      const file = await PartialFile.create(path, this.#owner, calls).catch(giveUp);
      partial = file;
      const digest = createHash('sha256');
      let received = 0;
      const count = progressOf('fetching', expected, tell);
      const check = new Transform({
        transform(chunk: Buffer, _encoding, done: TransformCallback) {
          received += chunk.length;
          if (received > bound) {
            return done(
              new ImageFault('denied', `the image is larger than the ${bound} bytes it should have`),
            );
          }
          digest.update(chunk);
          count(chunk.length);
          return done(null, chunk);
        },
      });
      await pipeline(stream, check, file.sink(), { signal });
      const hex = digest.digest('hex');
      if (hex !== image.sha256) {
        throw new ImageFault('denied', `the image's digest is sha256:${hex}, not sha256:${image.sha256}`);
      }
      const size = await calls(() => virtualSizeMib(image, file.path));
      const kept = await file.keep(async () => (await verify()) !== null);
      if (kept !== null) this.#copies.remember(path, kept);
      return { path, virtualSizeMib: size };
    } catch (error) {
      await partial?.discard();
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
