/**
 * In the trash of which shared pools this host has thrown disks, and until when they are kept. The VM that told of a pool may be
 * forgotten before its disk may go, and nobody else may have one there. A small file of its own, replaced whole: it says nothing
 * that a VM needs, so one that cannot be understood is begun anew.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Lane } from '../lane.js';
import { nullWhen } from '../null-when.js';
import { replaceFile } from '../replace-file.js';

const content = z.record(z.string(), z.number());
type Pools = ReadonlyMap<string, number>;

/** So that disks that go one after the other do not need a write each. */
const stepMs = 3600_000;

export class TrashPools {
  readonly #path: string;
  readonly #turn = new Lane(1);
  /** As the file has it; null before it was read. */
  #pools: Pools | null = null;

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'trash-pools.json');
  }

  /** The pools' folders. */
  async paths(): Promise<string[]> {
    return [...(await this.#turn.run(() => this.#read())).keys()];
  }

  /** Returns when it will survive a power loss that a disk is kept there until then. */
  async remember(poolPath: string, keepUntilWallMs: number): Promise<void> {
    await this.#turn.run(async () => {
      const pools = await this.#read();
      if ((pools.get(poolPath) ?? 0) >= keepUntilWallMs) return;
      await this.#write(new Map(pools).set(poolPath, Math.ceil(keepUntilWallMs / stepMs) * stepMs));
    });
  }

  /** The trash was emptied of what might go at that time. */
  async emptied(poolPath: string, wallMs: number): Promise<void> {
    await this.#turn.run(async () => {
      const pools = new Map(await this.#read());
      if ((pools.get(poolPath) ?? wallMs) >= wallMs) return;
      pools.delete(poolPath);
      await this.#write(pools);
    });
  }

  async #read(): Promise<Pools> {
    this.#pools ??= parse((await readFile(this.#path, 'utf8').catch(nullWhen('ENOENT'))) ?? '{}');
    return this.#pools;
  }

  async #write(pools: Pools): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify(Object.fromEntries(pools))}\n`);
    this.#pools = pools;
  }
}

function parse(text: string): Pools {
  try {
    return new Map(Object.entries(content.parse(JSON.parse(text))));
  } catch {
    return new Map();
  }
}
