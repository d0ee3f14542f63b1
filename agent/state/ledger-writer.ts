/**
 * Brings the ledger to disk for many waiting VMs at once: while one write is under way, all that ask wait for the
 * next, which carries the newest content for every one of them. Twenty VMs that arrive together cost a few fsyncs.
 */
import type { Ledger, LedgerContent } from '../converge/ledger.js';

export class LedgerWriter {
  readonly #ledger: Ledger;
  readonly #save: (content: LedgerContent) => Promise<void>;
  #durableVersion: number;
  #waiting: { version: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #writing = false;
  /** Writes since the start, for the status and for tests. */
  writes = 0;

  constructor(ledger: Ledger, save: (content: LedgerContent) => Promise<void>) {
    this.#ledger = ledger;
    this.#save = save;
    this.#durableVersion = ledger.version;
  }

  /** Returns when this version of the ledger, or a later one, will survive a power loss. */
  persist(version: number): Promise<void> {
    if (version <= this.#durableVersion) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ version, resolve, reject });
      if (!this.#writing) void this.#write();
    });
  }

  /** True when something is not on disk yet, be it only a checkpoint. */
  get behind(): boolean {
    return this.#ledger.version > this.#durableVersion;
  }

  /** True when something is not on disk yet that must be before anything is done by it. */
  get essentialsBehind(): boolean {
    return this.#ledger.essentialVersion > this.#durableVersion;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // Everything that is asked for in this turn of the event loop goes into this write.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const served = this.#waiting;
      this.#waiting = [];
      const { version } = this.#ledger;
      try {
        await this.#save(this.#ledger.content());
        this.writes++;
        this.#durableVersion = version;
        for (const { resolve } of served) resolve();
      } catch (error) {
        for (const { reject } of served) reject(error);
      }
    }
    this.#writing = false;
  }
}
