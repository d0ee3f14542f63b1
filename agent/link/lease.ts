/**
 * The host's lease, as the agent counts it (PROTOCOL.md L1): from the moment it asked, on a clock that also runs
 * while the machine sleeps. So it ends here before it ends at the scheduler, however slow the wire is.
 */
const maxOutstanding = 16;

export class Lease {
  /** What was asked on this stream from the newest that was answered on: that one may be granted again, for longer. */
  readonly #asked = new Map<number, number>();
  #lastId = 0;
  #expiresAt: number | null;
  #grantedAt: number | null = null;

  /** `heldUntil` is of the lease that an earlier process of this boot was granted. */
  constructor(heldUntil: number | null = null) {
    this.#expiresAt = heldUntil;
  }

  /** Notes a request that is sent now, and returns its id. */
  ask(now: number): number {
    const id = ++this.#lastId;
    this.#asked.set(id, now);
    for (const old of this.#asked.keys()) {
      if (this.#asked.size <= maxOutstanding) break;
      this.#asked.delete(old);
    }
    return id;
  }

  /**
   * Takes a grant: the scheduler's newest word is what counts, also when it ends earlier than the one before, which was
   * for a planned stop (L3). One that answers nothing that was asked on this stream is worth nothing.
   */
  granted(id: number, leaseMs: number, now: number): boolean {
    const askedAt = this.#asked.get(id);
    if (askedAt === undefined) return false;
    for (const older of [...this.#asked.keys()]) if (older < id) this.#asked.delete(older);
    this.#expiresAt = askedAt + leaseMs;
    this.#grantedAt = now;
    return true;
  }

  /** A new stream: what was asked on the old one is not answered any more. The lease itself goes on. */
  forgetAsked(): void {
    this.#asked.clear();
  }

  /** Milliseconds for which the lease lasts still; 0 when there is none. */
  heldMs(now: number): number {
    return Math.max(0, Math.ceil((this.#expiresAt ?? now) - now));
  }

  get expiresAt(): number | null {
    return this.#expiresAt;
  }

  get grantedAt(): number | null {
    return this.#grantedAt;
  }
}
