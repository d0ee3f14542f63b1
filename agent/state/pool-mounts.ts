/**
 * On which file system each shared pool was when this host used it first, so that a pool that is not mounted is told from an
 * empty one: a mount point is a folder like any other. A small file of its own, replaced whole.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Lane } from '../lane.js';
import type { Mount } from '../mount-table.js';
import { nullWhen } from '../null-when.js';
import { OperatorError } from '../operator-error.js';
import { replaceFile } from '../replace-file.js';

const content = z.record(
  z.string(),
  z.object({ mountPoint: z.string(), type: z.string(), source: z.string() }),
);

export class PoolMounts {
  readonly #path: string;
  readonly #turn = new Lane(1);

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'pool-mounts.json');
  }

  /** As it was then, which is now if the pool is new. Read each time, for an administrator may have had it changed. */
  firstSeen(poolPath: string, now: Mount): Promise<Mount> {
    return this.#turn.run(async () => {
      const known = await this.#read();
      const before = known[poolPath];
      if (before !== undefined) return before;
      await this.#write({ ...known, [poolPath]: now });
      return now;
    });
  }

  /** From now on it is to be where it is now; gives where it was before, if it was known. */
  accept(poolPath: string, now: Mount): Promise<Mount | null> {
    return this.#turn.run(async () => {
      const known = await this.#read();
      await this.#write({ ...known, [poolPath]: now });
      return known[poolPath] ?? null;
    });
  }

  async #read(): Promise<z.infer<typeof content>> {
    const text = (await readFile(this.#path, 'utf8').catch(nullWhen('ENOENT'))) ?? '{}';
    try {
      return content.parse(JSON.parse(text));
    } catch {
      throw new OperatorError(
        `${this.#path} cannot be understood: see that the host's shared pools are mounted, and remove the file`,
      );
    }
  }

  #write(known: z.infer<typeof content>): Promise<void> {
    return replaceFile(this.#path, `${JSON.stringify(known)}\n`);
  }
}
