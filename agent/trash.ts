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
/** A clock that has been set is believed after so long at least. */
const shortestDoubtMs = 24 * 3600_000;

export class Trash {
  readonly #parts: TrashParts;
  /** How far the wall clock is ahead of the one that nobody sets, as it is believed. */
  #aheadMs: number;
  /** How far it has been ahead instead, and since when; null while it is where it is believed to be. */
  #doubt: { aheadMs: number; sinceBootMs: number } | null = null;
  /** Pools whose trash is being emptied. */
  readonly #emptying = new Set<string>();
  /** To how many disks of each pool it happens now. */
  readonly #beingThrown = new Map<string, number>();

  constructor(parts: TrashParts) {
    this.#parts = parts;
    this.#aheadMs = aheadMs(parts.clock.now());
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
    if (!this.#believesClock()) return;
    for (const poolPath of new Set([...poolPaths, ...(await this.#remembered())]))
      void this.#emptyPool(poolPath);
    await this.#emptyPool('');
  }

  /** How far the wall clock has been set since it was last believed. */
  #jumpMs(): number {
    return aheadMs(this.#parts.clock.now()) - this.#aheadMs;
  }

  /**
   * One that was set is believed again when every disk that was thrown away before has been kept as long as it was to be, whichever
   * of the two was wrong. Only what another host of the same pool keeps for longer than this one may go too early, if it is this one.
   */
  #believesClock(): boolean {
    const jumpMs = this.#jumpMs();
    if (Math.abs(jumpMs) <= longestJumpMs) {
      this.#doubt = null;
      return true;
    }
    const { clock, log, trashRetentionMs } = this.#parts;
    const now = clock.now();
    const doubtedMs = Math.max(trashRetentionMs, shortestDoubtMs);
    let doubt = this.#doubt;
    if (doubt === null || Math.abs(aheadMs(now) - doubt.aheadMs) > longestJumpMs) {
      doubt = { aheadMs: aheadMs(now), sinceBootMs: now.bootMs };
      this.#doubt = doubt;
      const hours = doubtedMs / 3600_000;
      const text = `the wall clock has been set: nothing is deleted by it before it has stayed so for ${hours} h`;
      log.warn({ event: 'trash.kept', jumpMs }, text);
    }
    if (now.bootMs - doubt.sinceBootMs < doubtedMs) return false;
    log.info({ event: 'trash.clock', jumpMs }, 'the wall clock is believed as it was set');
    this.#aheadMs = doubt.aheadMs;
    this.#doubt = null;
    return true;
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

const aheadMs = ({ bootMs, wallMs }: ReturnType<Clock['now']>): number => wallMs - bootMs;
