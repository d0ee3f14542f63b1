/**
 * Who holds a lease until when, as the scheduler counts it: 1.01 times the length from the moment it was granted, so
 * that the agent's own count ends first (PROTOCOL L1). Leases are not journalled: a new leader assumes that every
 * host holds the longest that may have been granted (L4), until the host says what it holds.
 *
 * Times are of a clock that nobody sets: a wall clock that is put back would keep dead hosts alive, and one that is put
 * forward would lose all of them at once.
 *
 * It is asked twice a second whose lease has ended, and there may be a hundred thousand: they are kept by the second in which
 * they end, so that nobody is looked at whose lease has not.
 */

const margin = 1.01;
const secondMs = 1000;

interface Lease {
  /** The end of the longest that was granted here. */
  grantedMs: number;
  /** The end of what another leader may have granted; 0 when the host has said what it holds. */
  assumedMs: number;
}

export class Leases {
  readonly #leases = new Map<string, Lease>();
  /** By the second in which they end. Leases are of minutes at most, so there are few. */
  readonly #ending = new Map<number, Set<string>>();

  grant(host: string, leaseMs: number, uptimeMs: number): void {
    this.#change(host, (lease) => {
      lease.grantedMs = Math.max(lease.grantedMs, endOf(leaseMs, uptimeMs));
    });
  }

  /** An earlier leader may have granted so much (L4). */
  assume(host: string, leaseMs: number, uptimeMs: number): void {
    this.#change(host, (lease) => {
      lease.assumedMs = endOf(leaseMs, uptimeMs);
    });
  }

  /**
   * A host says what it holds. It counted when it sent this, so what it holds ends no later than what is counted from now;
   * what is on the way to it was granted here.
   */
  held(host: string, heldMs: number, uptimeMs: number): void {
    if (!this.#leases.has(host)) return;
    this.#change(host, (lease) => {
      lease.assumedMs = Math.min(lease.assumedMs, endOf(heldMs, uptimeMs));
    });
  }

  /** 0 when there is no lease. */
  endMs(host: string): number {
    const lease = this.#leases.get(host);
    return lease === undefined ? 0 : endMsOf(lease);
  }

  forget(host: string): void {
    const lease = this.#leases.get(host);
    if (lease === undefined) return;
    this.#leases.delete(host);
    this.#leave(host, secondOf(lease));
  }

  /** Hosts whose lease has ended, so many at most; they are told once. */
  takeLapsed(uptimeMs: number, most = Number.POSITIVE_INFINITY): string[] {
    const lapsed: string[] = [];
    for (const [second, hosts] of this.#ending) {
      if (second * secondMs > uptimeMs) continue;
      for (const host of hosts) {
        if (lapsed.length === most) break;
        if (this.endMs(host) < uptimeMs) lapsed.push(host);
      }
    }
    for (const host of lapsed) this.forget(host);
    return lapsed;
  }

  /** How many there are, and how many of them end within a time. */
  count(uptimeMs: number, withinMs: number): { held: number; ending: number } {
    const untilMs = uptimeMs + withinMs;
    let ending = 0;
    for (const [second, hosts] of this.#ending) {
      if ((second + 1) * secondMs <= untilMs) ending += hosts.size;
      else if (second * secondMs <= untilMs)
        for (const host of hosts) if (this.endMs(host) < untilMs) ending += 1;
    }
    return { held: this.#leases.size, ending };
  }

  #change(host: string, change: (lease: Lease) => void): void {
    const known = this.#leases.get(host);
    const lease = known ?? { grantedMs: 0, assumedMs: 0 };
    const before = known === undefined ? null : secondOf(known);
    change(lease);
    const after = secondOf(lease);
    if (known === undefined) this.#leases.set(host, lease);
    else if (after !== before) this.#leave(host, before as number);
    if (after === before) return;
    const others = this.#ending.get(after);
    if (others === undefined) this.#ending.set(after, new Set([host]));
    else others.add(host);
  }

  #leave(host: string, second: number): void {
    const hosts = this.#ending.get(second);
    hosts?.delete(host);
    if (hosts?.size === 0) this.#ending.delete(second);
  }
}

function endMsOf({ grantedMs, assumedMs }: Lease): number {
  return Math.max(grantedMs, assumedMs);
}

function secondOf(lease: Lease): number {
  return Math.floor(endMsOf(lease) / secondMs);
}

/** When a lease that was granted now ends at the latest. */
export function endOf(leaseMs: number, uptimeMs: number): number {
  return uptimeMs + Math.ceil(leaseMs * margin);
}
