/**
 * An image while it comes: a file of another name beside its place, which gets its own when it is whole and on disk. Each
 * call for it asks for a place first, for the folder may be a shared pool's that hangs.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { syncPath } from '../sync-path.js';

/** Runs work that has one file call under way at a time, when there is room for it. */
export type Calls = <T>(work: () => Promise<T>) => Promise<T>;

export class PartialFile {
  private constructor(
    readonly path: string,
    private readonly wholePath: string,
    private readonly file: FileHandle,
    private readonly calls: Calls,
  ) {}

  /** @param wholePath where it is to be in the end. */
  static async create(wholePath: string, calls: Calls): Promise<PartialFile> {
    const path = `${wholePath}.${randomBytes(4).toString('hex')}.partial`;
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

  /** It is whole: returns when it will survive a power loss under its own name. */
  async keep(): Promise<void> {
    await this.calls(async () => {
      await this.file.sync();
      await this.file.close();
      await rename(this.path, this.wholePath);
      await syncPath(dirname(this.wholePath));
    });
  }

  async discard(): Promise<void> {
    await this.calls(async () => {
      await this.file.close();
      await rm(this.path, { force: true });
    });
  }
}
