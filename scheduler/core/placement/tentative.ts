/**
 * What a decision about several VMs claims while it goes on: each VM that is placed is claimed on the state, so that the
 * next one sees it, and all is given back before the decision returns. Only `apply` claims for good.
 */
import type { Vm } from '../model.js';
import type { State } from '../state.js';
import { mayClose } from '../tenancy/limits.js';
import { canBeLed, Leaders, Racks } from './leaders.js';
import type { Place } from './placement.js';
import type { PlacementRequest } from './request.js';
import { findHost, sparesGpus } from './search.js';

/** So many VMs that are alike have come before it is worth keeping the best host of each rack for them. */
const alikeBeforeLeaders = 16;
/** Kinds of VMs for which it is kept: each has to follow what is claimed for the others. */
const mostLed = 64;

interface Kind {
  seen: number;
  leaders: Leaders | null;
}

export class Tentative {
  readonly #state: State;
  readonly #nowMs: number;
  readonly #claimed: { place: Place; request: PlacementRequest }[] = [];
  readonly #kinds = new Map<string, Kind>();
  readonly #led: Leaders[] = [];
  #racks: Racks | null = null;

  /** `nowMs` is when the VMs are created. */
  constructor(state: State, nowMs: number) {
    this.#state = state;
    this.#nowMs = nowMs;
  }

  get count(): number {
    return this.#claimed.length;
  }

  /** The row of the best host for a request; -1 if none can take it. It is what `findHost` finds. */
  find(request: PlacementRequest): number {
    if (!canBeLed(request)) return findHost(this.#state, request);
    // What sites a quota or an agreement closes, leaders would not notice.
    const { administration, dataClass } = request;
    if (mayClose(this.#state.tenancy, administration, dataClass)) return findHost(this.#state, request);
    const kind = this.#kindOf(request);
    kind.seen += 1;
    if (kind.leaders === null) {
      if (kind.seen <= alikeBeforeLeaders || this.#led.length === mostLed) {
        return findHost(this.#state, request);
      }
      this.#racks ??= new Racks(this.#state);
      kind.leaders = new Leaders(this.#state, request, this.#racks);
      this.#led.push(kind.leaders);
    }
    const row = kind.leaders.find();
    if (row >= 0) return row;
    // Hosts with GPUs are led by nobody where they are spared, and may still break no rule at all.
    return findHost(this.#state, request, sparesGpus(this.#state, request) ? 0 : 1);
  }

  claim(place: Place, request: PlacementRequest): void {
    for (const leaders of this.#led) leaders.claiming(place.row);
    this.#state.claimRequest(place, request, this.#nowMs, 1);
    this.#claimed.push({ place, request });
  }

  /** To be called in any case: afterwards the state is as it was. */
  giveBack(): void {
    if (this.#claimed.length > 0) {
      this.#state.hostTable.claimTogether(() => {
        for (const { place, request } of this.#claimed)
          this.#state.claimRequest(place, request, this.#nowMs, -1);
      });
    }
    this.#claimed.length = 0;
    this.#kinds.clear();
    this.#led.length = 0;
  }

  #kindOf(request: PlacementRequest): Kind {
    const { needs, administration, dataClass, pool, architecture, placement, refusedBy } = request;
    const key = JSON.stringify([needs, administration, dataClass, pool, architecture, placement, refusedBy]);
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = { seen: 0, leaders: null };
      this.#kinds.set(key, kind);
    }
    return kind;
  }
}

/** Decides as if no host had these VMs: of quotas and groups, too, they are counted no more meanwhile. Afterwards all is as it was. */
export function asIfNowhere<T>(
  state: State,
  vms: readonly Vm[],
  nowMs: number,
  decide: (tentative: Tentative) => T,
): T {
  const tentative = new Tentative(state, nowMs);
  for (const vm of vms) state.unclaim(vm);
  try {
    return decide(tentative);
  } finally {
    tentative.giveBack();
    for (const vm of vms) state.claim(vm);
  }
}
