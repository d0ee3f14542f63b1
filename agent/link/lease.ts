/**
 * The host's lease, as the agent counts it (PROTOCOL.md L1): from the moment it asked, on a clock that also runs
 * while the machine sleeps. So it ends here before it ends at the scheduler, however slow the wire is.
 */
const maxOutstanding = 16;

export class Lease {
  readonly #asked = new Map<number, number>();
  #lastId = 0;
  #expiresAt: number | null = null;
  #grantedAt: number | null = null;

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

  /** Takes a grant. One that answers nothing that was asked on this stream is worth nothing. */
  granted(id: number, leaseMs: number, now: number): boolean {
    const askedAt = this.#asked.get(id);
    if (askedAt === undefined) return false;
    for (const older of [...this.#asked.keys()]) if (older <= id) this.#asked.delete(older);
    this.#expiresAt = Math.max(this.#expiresAt ?? 0, askedAt + leaseMs);
    this.#grantedAt = now;
    return true;
  }

  /** A new stream: what was asked on the old one is not answered any more. The lease itself goes on. */
  forgetAsked(): void {
    this.#asked.clear();
  }

  get expiresAt(): number | null {
    return this.#expiresAt;
  }

  get grantedAt(): number | null {
    return this.#grantedAt;
  }
}
