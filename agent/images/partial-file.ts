/**
 * An image while it comes: a file of another name beside its place, which gets its own when it is whole and on disk. Each
 * call for it asks for a place first, for the folder may be a shared pool's that hangs. Another host may bring the same image
 * there meanwhile, and guests read it from then on: what is good there stays.
 */
import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { syncPath } from '../sync-path.js';

/** Runs work that has one file call under way at a time, when there is room for it. */
export type Calls = <T>(work: () => Promise<T>) => Promise<T>;

/** What file systems without hard links answer, and those where a file can have no more of them. */
const noLinks = ['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK', 'EINVAL'];

/** Whose parts these are: another host's may be under way, and so may those of this process. */
export interface PartOwner {
  host: string;
  /** Eight hexadecimal digits of the agent's process. */
  process: string;
}

const eightDigits = (): string => randomBytes(4).toString('hex');
export const ownerOf = (host: string): PartOwner => ({ host, process: eightDigits() });

const partPattern = /^[0-9a-f]{64}\.(?:qcow2|raw)\.(.+)\.([0-9a-f]{8})\.[0-9a-f]{8}\.partial$/;

/** Whether the file is a part that an earlier process of this host has left. Parts of agents of before name no host. */
export function isLeftPart(file: string, owner: PartOwner): boolean {
  const [, host, process] = partPattern.exec(file) ?? [];
  return host === owner.host && process !== owner.process;
}

export class PartialFile {
  private constructor(
    readonly path: string,
    private readonly wholePath: string,
    private readonly file: FileHandle,
    private readonly calls: Calls,
  ) {}

  /** @param wholePath where it is to be in the end. */
  static async create(wholePath: string, { host, process }: PartOwner, calls: Calls): Promise<PartialFile> {
    const path = `${wholePath}.${host}.${process}.${eightDigits()}.partial`;
    return new PartialFile(path, wholePath, await calls(() => open(path, 'wx', 0o644)), calls);
  }

  /** Takes what comes. Between two pieces nothing is held, however slowly they come. */
  sink(): Writable {
    return new Writable({
      write: (piece: Buffer, _encoding, done) => {
        this.calls(() => this.file.writeFile(piece)).then(() => done(), done);
      },
    });
  }

  /**
   * It is whole: returns when it will survive a power loss under its own name, or what was there before it and `isGood`.
   * Nothing that is good is replaced: a guest of another host may have it open, and would lose its disk with it.
   *
   * @returns what has its name now, if that is this file.
   */
  async keep(isGood: () => Promise<boolean>): Promise<BigIntStats | null> {
    const entry = await this.calls(async () => {
      await this.file.sync();
      const synced = await this.file.stat({ bigint: true });
      await this.file.close();
      return synced;
    });
    const isPublished = await this.calls(() => this.#publish());
    const isReplaced = !isPublished && !(await isGood());
    await this.calls(async () => {
      if (isReplaced) await rename(this.path, this.wholePath);
      else await rm(this.path, { force: true });
      await syncPath(dirname(this.wholePath));
    });
    return isPublished || isReplaced ? entry : null;
  }

  /** False when something is there already. */
  async #publish(): Promise<boolean> {
    try {
      await link(this.path, this.wholePath);
      return true;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      if (!noLinks.includes(code)) throw error;
    }
    if (await isThere(this.wholePath)) return false;
    await rename(this.path, this.wholePath);
    return true;
  }

  async discard(): Promise<void> {
    await this.calls(async () => {
      await this.file.close();
      await rm(this.path, { force: true });
    });
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? false : Promise.reject(error)),
  );
