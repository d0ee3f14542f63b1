/**
 * The scheduler's store on a simulated disk. A commit takes its time, and may end in *unknown*: written or not, and nobody
 * says which. When the process dies, what is on its way is there whole or not at all. It answers in the very moment in
 * which the disk is done, so that no promise is between the disk and the engine.
 */
import type { Committer } from '../../scheduler/engine.js';
import {
  type Batch,
  type JournalHead,
  type LoadHandlers,
  type SignedCheckpoint,
  type Store,
  StoreError,
} from '../../scheduler/store/store.js';
import type { Disk } from './disk.js';
import { Later } from './later.js';
import type { Random } from './random.js';
import type { Life } from './timeline.js';

/** What the weather of a disk is. */
export interface DiskWeather {
  /** How long a commit takes, in milliseconds. */
  latencyMs(): number;
  /** How it ends. `unknown` is an error after which the batch may be there. */
  outcome(): 'written' | 'unknown' | 'full';
}

type ReadStore = Pick<Store, 'reply' | 'hashAt' | 'archivedIncarnationAt' | 'keepCheckpoint'>;

export class SimStore implements Committer, ReadStore {
  #flying: Batch | null = null;
  #loaded = false;
  #failed = false;

  constructor(
    readonly disk: Disk,
    private readonly life: Life,
    private readonly weather: DiskWeather,
    private readonly random: Random,
  ) {}

  load(handlers: LoadHandlers): JournalHead & { lastMs: number } {
    this.#loaded = true;
    return this.disk.load(handlers);
  }

  commit(batch: Batch): PromiseLike<JournalHead> {
    const answer = new Later<JournalHead>();
    if (!this.#loaded || this.#failed || this.#flying !== null) {
      const why = this.#flying === null ? 'the store is not loaded, or has failed' : 'a commit is under way';
      this.life.after(0, () => answer.reject(new StoreError(why)));
      return answer;
    }
    this.#flying = batch;
    this.life.after(this.weather.latencyMs(), () => this.#land(batch, answer));
    return answer;
  }

  #land(batch: Batch, answer: Later<JournalHead>): void {
    this.#flying = null;
    const outcome = this.weather.outcome();
    try {
      if (outcome === 'full') throw new StoreError('cannot write: no space left on device');
      if (outcome === 'unknown') {
        if (this.random.chance(0.5)) this.disk.write(batch);
        throw new StoreError('cannot write: an error of the disk; whether it was written is not known');
      }
      answer.resolve(this.disk.write(batch));
    } catch (error) {
      this.#failed = true;
      answer.reject(error as Error);
    }
  }

  /** The process is gone: of what was on its way the journal has all or nothing. */
  crash(): void {
    const batch = this.#flying;
    this.#flying = null;
    if (batch === null || this.#failed || !this.random.chance(0.5)) return;
    try {
      this.disk.write(batch);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  reply(row: number): Buffer | null {
    return this.disk.reply(row);
  }

  hashAt(sequence: number): Buffer | null {
    return this.disk.hashAt(sequence);
  }

  archivedIncarnationAt(): number | null {
    return null;
  }

  keepCheckpoint(checkpoint: SignedCheckpoint): void {
    this.disk.checkpoints.push(checkpoint);
  }
}
