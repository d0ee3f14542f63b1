/**
 * Disks of deleted VMs: how long each is kept, and when what may go is looked for. A shared pool has one trash for all of its
 * hosts, each with settings and a clock of its own, so a disk says itself when it may go.
 */
import type { Logger } from 'pino';
import type { Clock } from './clock.js';
import type { Hypervisor, VolumeRef } from './hypervisor/hypervisor.js';
import type { PoolLanes } from './pool-lanes.js';

export interface TrashParts {
  hypervisor: Pick<Hypervisor, 'trashVolume' | 'emptyTrash'>;
  pools: PoolLanes;
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

  constructor(parts: TrashParts) {
    this.#parts = parts;
    this.#began = parts.clock.now();
  }

  /** Whoever calls has a place in the pool. */
  async throwAway(volume: VolumeRef): Promise<void> {
    const { hypervisor, clock, trashRetentionMs } = this.#parts;
    // By a clock that was set back, other hosts would delete it too early.
    const wallMs = clock.now().wallMs - Math.min(0, this.#jumpMs());
    await hypervisor.trashVolume(volume, wallMs + trashRetentionMs);
  }

  /** Shared pools are not waited for: one may hang. */
  async empty(poolPaths: readonly string[]): Promise<void> {
    const jumpMs = this.#jumpMs();
    if (Math.abs(jumpMs) > longestJumpMs) {
      this.#parts.log.warn(
        { event: 'trash.kept', jumpMs },
        'the wall clock has been set: nothing is deleted by it',
      );
      return;
    }
    for (const poolPath of poolPaths) void this.#emptyPool(poolPath);
    await this.#emptyPool('');
  }

  /** How far the wall clock has run away from the one that nobody sets, since this process began. */
  #jumpMs(): number {
    const { bootMs, wallMs } = this.#parts.clock.now();
    return wallMs - this.#began.wallMs - (bootMs - this.#began.bootMs);
  }

  async #emptyPool(poolPath: string): Promise<void> {
    if (this.#emptying.has(poolPath)) return;
    this.#emptying.add(poolPath);
    const { hypervisor, pools, trashRetentionMs, log } = this.#parts;
    try {
      const removed = await pools.run(poolPath, 'remove', () =>
        hypervisor.emptyTrash(poolPath, trashRetentionMs),
      );
      if (removed > 0) log.info({ event: 'trash.emptied', volumes: removed });
    } catch (error) {
      log.warn({ err: error }, 'emptying the trash failed');
    }
    this.#emptying.delete(poolPath);
  }
}
