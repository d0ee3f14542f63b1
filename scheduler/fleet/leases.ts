/**
 * Who holds a lease until when, as the scheduler counts it: 1.01 times the length from the moment it was granted, so
 * that the agent's own count ends first (PROTOCOL L1). Leases are not journalled: a new leader assumes that every
 * host holds the longest that may have been granted (L4), until the host says what it holds.
 *
 * Times are of a clock that nobody sets: a wall clock that is put back would keep dead hosts alive, and one that is put
 * forward would lose all of them at once.
 */

const margin = 1.01;

interface Lease {
  /** The end of the longest that was granted here. */
  grantedMs: number;
  /** The end of what another leader may have granted; 0 when the host has said what it holds. */
  assumedMs: number;
}

export class Leases {
  readonly #leases = new Map<string, Lease>();

  grant(host: string, leaseMs: number, uptimeMs: number): void {
    const lease = this.#lease(host);
    lease.grantedMs = Math.max(lease.grantedMs, endOf(leaseMs, uptimeMs));
  }

  /** An earlier leader may have granted so much (L4). */
  assume(host: string, leaseMs: number, uptimeMs: number): void {
    this.#lease(host).assumedMs = endOf(leaseMs, uptimeMs);
  }

  /**
   * A host says what it holds. It counted when it sent this, so what it holds ends no later than what is counted from now;
   * what is on the way to it was granted here.
   */
  held(host: string, heldMs: number, uptimeMs: number): void {
    const lease = this.#leases.get(host);
    if (lease !== undefined) lease.assumedMs = Math.min(lease.assumedMs, endOf(heldMs, uptimeMs));
  }

  /** 0 when there is no lease. */
  endMs(host: string): number {
    const lease = this.#leases.get(host);
    return lease === undefined ? 0 : Math.max(lease.grantedMs, lease.assumedMs);
  }

  forget(host: string): void {
    this.#leases.delete(host);
  }

  /** Hosts whose lease has ended; they are told once. */
  takeLapsed(uptimeMs: number): string[] {
    const lapsed = [...this.#leases.keys()].filter((host) => this.endMs(host) < uptimeMs);
    for (const host of lapsed) this.#leases.delete(host);
    return lapsed;
  }

  /** How many there are, and how many of them end within a time. */
  count(uptimeMs: number, withinMs: number): { held: number; ending: number } {
    let ending = 0;
    for (const host of this.#leases.keys()) if (this.endMs(host) < uptimeMs + withinMs) ending += 1;
    return { held: this.#leases.size, ending };
  }

  #lease(host: string): Lease {
    let lease = this.#leases.get(host);
    if (lease === undefined) {
      lease = { grantedMs: 0, assumedMs: 0 };
      this.#leases.set(host, lease);
    }
    return lease;
  }
}

/** When a lease that was granted now ends at the latest. */
export function endOf(leaseMs: number, uptimeMs: number): number {
  return uptimeMs + Math.ceil(leaseMs * margin);
}
