/**
 * Disks of deleted VMs: how long each is kept, and when what may go is looked for. A shared pool has one trash for all of its
 * hosts, each with settings and a clock of its own, so a disk says itself when it may go.
 */
import type { Logger } from 'pino';
import type { Clock } from './clock.js';
import type { Hypervisor, VolumeRef } from './hypervisor/hypervisor.js';
import type { PoolLanes } from './pool-lanes.js';
import type { TrashPools } from './state/trash-pools.js';

export interface TrashParts {
  hypervisor: Pick<Hypervisor, 'trashVolume' | 'emptyTrash'>;
  pools: PoolLanes;
  trashPools: TrashPools;
  clock: Clock;
  log: Logger;
  trashRetentionMs: number;
}

/** Beyond it somebody has set the wall clock, or a time server is wrong; as the scheduler judges its own. */
const longestJumpMs = 5 * 60_000;

export class Trash {
  readonly #parts: TrashParts;
  readonly #began: ReturnType<Clock['now']>;
  /** Pools whose trash is being emptied. */
  readonly #emptying = new Set<string>();
  /** To how many disks of each pool it happens now. */
  readonly #beingThrown = new Map<string, number>();

  constructor(parts: TrashParts) {
    this.#parts = parts;
    this.#began = parts.clock.now();
  }

  /** Whoever calls has a place in the pool. */
  async throwAway(volume: VolumeRef): Promise<void> {
    const { hypervisor, trashPools, clock, trashRetentionMs } = this.#parts;
    // By a clock that was set back, other hosts would delete it too early.
    const wallMs = clock.now().wallMs - Math.min(0, this.#jumpMs());
    const keepUntilWallMs = wallMs + trashRetentionMs;
    const { poolPath } = volume;
    if (poolPath === '') return hypervisor.trashVolume(volume, keepUntilWallMs);
    this.#countThrown(poolPath, 1);
    try {
      await trashPools.remember(poolPath, keepUntilWallMs);
      await hypervisor.trashVolume(volume, keepUntilWallMs);
    } finally {
      this.#countThrown(poolPath, -1);
    }
  }

  #countThrown(poolPath: string, more: 1 | -1): void {
    const count = (this.#beingThrown.get(poolPath) ?? 0) + more;
    if (count === 0) this.#beingThrown.delete(poolPath);
    else this.#beingThrown.set(poolPath, count);
  }

  /**
   * Of the host's own pool, of these, and of those in which this host has thrown something away. Shared pools are not waited for:
   * one may hang.
   */
  async empty(poolPaths: readonly string[]): Promise<void> {
    const jumpMs = this.#jumpMs();
    if (Math.abs(jumpMs) > longestJumpMs) {
      this.#parts.log.warn(
        { event: 'trash.kept', jumpMs },
        'the wall clock has been set: nothing is deleted by it',
      );
      return;
    }
    for (const poolPath of new Set([...poolPaths, ...(await this.#remembered())]))
      void this.#emptyPool(poolPath);
    await this.#emptyPool('');
  }

  /** How far the wall clock has run away from the one that nobody sets, since this process began. */
  #jumpMs(): number {
    const { bootMs, wallMs } = this.#parts.clock.now();
    return wallMs - this.#began.wallMs - (bootMs - this.#began.bootMs);
  }

  async #remembered(): Promise<string[]> {
    try {
      return await this.#parts.trashPools.paths();
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'reading which pools have trash failed');
      return [];
    }
  }

  async #emptyPool(poolPath: string): Promise<void> {
    if (this.#emptying.has(poolPath)) return;
    this.#emptying.add(poolPath);
    const { hypervisor, pools, trashPools, clock, trashRetentionMs, log } = this.#parts;
    try {
      let beganWallMs = 0;
      // What is on its way there now may come after the trash was looked through.
      let missesNone = false;
      const removed = await pools.run(poolPath, 'remove', () => {
        beganWallMs = clock.now().wallMs;
        missesNone = !this.#beingThrown.has(poolPath);
        return hypervisor.emptyTrash(poolPath, trashRetentionMs);
      });
      if (removed === null) return;
      if (removed > 0) log.info({ event: 'trash.emptied', volumes: removed });
      if (missesNone) await trashPools.emptied(poolPath, beganWallMs);
    } catch (error) {
      log.warn({ err: error }, 'emptying the trash failed');
    } finally {
      this.#emptying.delete(poolPath);
    }
  }
}
