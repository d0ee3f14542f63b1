/**
 * Keeps the host's own disk from running full. When it nearly is, what it can do without goes before its time, deleted VMs' disks first:
 * the guests that are there were promised their disks, and one that cannot write is paused.
 */
import { statfs } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { ImageStore } from '../images/image-store.js';
import type { DiskReserve } from './reserve.js';
import { removeImages, removeTrash } from './spare.js';

export interface DiskRoomParts {
  dataDir: string;
  reserve: Pick<DiskReserve, 'make'>;
  images: Pick<ImageStore, 'remove'>;
  log: Logger;
  /** Bytes of the file system with this folder; left out: as it says. */
  measure?: (folder: string) => Promise<{ free: number; total: number }>;
}

const mib = 1024 * 1024;
/** A disk with less free than both is nearly full. */
const low = { share: 0.02, atLeastBytes: 1024 * mib };

export class DiskRoom {
  readonly #parts: DiskRoomParts;
  #underWay: Promise<void> | null = null;

  constructor(parts: DiskRoomParts) {
    this.#parts = parts;
  }

  /** Looks, and does what is needed. Whoever asks meanwhile waits for the same. */
  keep(): Promise<void> {
    this.#underWay ??= this.#keep().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #keep(): Promise<void> {
    const { dataDir, reserve, images, log, measure = measured } = this.#parts;
    const { free, total } = await measure(dataDir);
    const wanted = Math.max(low.atLeastBytes, total * low.share);
    if (free >= wanted) return reserve.make();
    // So much more that it is not looked for again at once.
    const missing = 2 * wanted - free;
    const ofTrash = await removeTrash(dataDir, missing);
    const remove = (path: string) => images.remove(path);
    const ofImages = ofTrash >= missing ? 0 : await removeImages(dataDir, missing - ofTrash, remove);
    if (ofTrash + ofImages === 0) return;
    const found = { freeMib: toMib(free), ofTrashMib: toMib(ofTrash), ofImagesMib: toMib(ofImages) };
    log.warn(
      { event: 'disk.low', ...found },
      'the disk is nearly full: deleted disks and unused images went before their time',
    );
  }
}

const toMib = (bytes: number): number => Math.round(bytes / mib);

async function measured(folder: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}
