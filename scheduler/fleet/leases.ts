/**
 * Who holds a lease until when, as the scheduler counts it: 1.01 times the length from the moment it was granted, so
 * that the agent's own count ends first (PROTOCOL L1). Leases are not journalled: a new leader assumes that every
 * host holds the longest that may have been granted (L4).
 *
 * Times are of a clock that nobody sets: a wall clock that is put back would keep dead hosts alive, and one that is put
 * forward would lose all of them at once.
 */

const margin = 1.01;

export class Leases {
  readonly #endMs = new Map<string, number>();

  grant(host: string, leaseMs: number, uptimeMs: number): void {
    const endMs = uptimeMs + Math.ceil(leaseMs * margin);
    this.#endMs.set(host, Math.max(endMs, this.endMs(host)));
  }

  /** 0 when there is no lease. */
  endMs(host: string): number {
    return this.#endMs.get(host) ?? 0;
  }

  forget(host: string): void {
    this.#endMs.delete(host);
  }

  /** Hosts whose lease has ended; they are told once. */
  takeLapsed(uptimeMs: number): string[] {
    const lapsed: string[] = [];
    for (const [host, endMs] of this.#endMs) if (endMs < uptimeMs) lapsed.push(host);
    for (const host of lapsed) this.#endMs.delete(host);
    return lapsed;
  }
}
