/** For how long a scheduler has not been asked for a lease by each host, as far as that tells when its lease ends. */
import type { LinkRequest__Output } from '../../../proto/gen/secovia/v1/LinkRequest.js';

export class Silence {
  readonly #askedMs = new Map<string, number>();

  constructor(private readonly nowMs: () => number) {}

  onWord(host: string, { hello, leaseRequest }: LinkRequest__Output): void {
    // Until it asks nobody knows what it holds (L4).
    if (hello) this.#askedMs.delete(host);
    else if (leaseRequest) this.#askedMs.set(host, this.nowMs());
  }

  /** In milliseconds; 0 where that says nothing. */
  of(host: string): number {
    return this.nowMs() - (this.#askedMs.get(host) ?? this.nowMs());
  }
}
