/**
 * Room that is kept free on the agent's disk by filling it: a file that goes when the disk is full otherwise. Whatever the agent does
 * it writes down first, so that without it a full disk could not be emptied either: no VM could be deleted, nor stopped.
 */
import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull } from '../full-disk.js';

const mib = 1024 * 1024;
/** The state of some thousands of VMs, and a new copy of it beside. */
const defaultBytes = 16 * mib;

export class DiskReserve {
  readonly #path: string;

  constructor(
    folder: string,
    private readonly bytes = defaultBytes,
  ) {
    this.#path = join(folder, 'reserve');
  }

  /** Takes the room again, if there is so much. */
  async make(): Promise<void> {
    const size = await stat(this.#path).then(
      (entry) => entry.size,
      () => 0,
    );
    if (size === this.bytes) return;
    const temporary = `${this.#path}.new`;
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        // Of nothing but zeros some file systems keep nothing.
        for (let done = 0; done < this.bytes; done += mib) {
          await file.write(randomBytes(Math.min(mib, this.bytes - done)));
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      await rm(temporary, { force: true });
      if (!isDiskFull(error)) throw error;
    }
  }

  /** Writes something; again with the room that was kept, when the disk is full. */
  async around<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await rm(this.#path, { force: true });
      return write();
    }
  }
}
