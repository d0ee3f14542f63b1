/** O3: whoever says hello is told of everything that it is to have, get or let go of, before it is told that this is all. */
import type { LinkResponse__Output } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

/** What is said on one stream. */
export class DesiredSet {
  #owed: Set<string> | null = null;
  readonly #told = new Set<string>();

  constructor(
    private readonly host: string,
    private readonly violate: Violate,
  ) {}

  /** `state`: as it is durable. */
  onSaid({ welcome, desired, desiredSet, desiredSynced }: LinkResponse__Output, state: State): void {
    if (welcome) this.#owed = this.#owedBy(state);
    for (const { uid } of desired ? [desired] : (desiredSet?.desired ?? [])) this.#told.add(uid);
    if (!desiredSynced || this.#owed === null) return;
    const still = this.#owedBy(state);
    for (const uid of this.#owed)
      if (still.has(uid) && !this.#told.has(uid))
        this.violate('O3', `${this.host} is told that it has heard all, and has not heard of VM ${uid}`);
    this.#owed = null;
  }

  #owedBy(state: State): Set<string> {
    const host = state.hosts.get(this.host);
    const owed = new Set<string>();
    if (host === undefined || host.state === 'quarantined') return owed;
    if (state.federation.recoveringSites.includes(host.site)) return owed;
    for (const { uid } of state.vmsOfHost(host.id)) owed.add(uid);
    for (const { uid, move } of state.moving.withPeer(host.id)) if (move?.term !== undefined) owed.add(uid);
    for (const { uid } of host.leftovers ?? []) owed.add(uid);
    return owed;
  }
}
