/**
 * Refusals of the VMs of one batch that find no host while others do. An explanation looks at every host, which is too
 * much for each of ten thousand VMs: those that ask for the same share the one that was made when the first of them was
 * refused, and after a number of different ones no more are made.
 */
import type { VmSpec } from '../model.js';
import type { Refusal } from '../refusal.js';
import type { State } from '../state.js';
import { type Explanation, explain } from './explanation.js';
import { refuseNoHost, refuseUnexplained } from './no-host.js';
import type { PlacementRequest } from './request.js';
import { suggest, type Suggestion } from './suggestion.js';
import type { Tentative } from './tentative.js';

export const mostExplanations = 100;

interface Known {
  noHost: Explanation | null;
  suggestion: Suggestion | null;
  /** How many VMs of the batch were placed when the last such VM was refused. */
  placed: number;
}

export class BatchRefusals {
  readonly #state: State;
  readonly #tentative: Tentative;
  readonly #known = new Map<string, Known>();
  #explained = 0;

  constructor(state: State, tentative: Tentative) {
    this.#state = state;
    this.#tentative = tentative;
  }

  /** Whether such a VM was refused before, and nothing was placed since: it need not be tried again. */
  isKnown(request: PlacementRequest): boolean {
    return this.#known.size > 0 && this.#known.get(keyOf(request))?.placed === this.#tentative.count;
  }

  /** The refusal of a VM for which no host was found. */
  of(request: PlacementRequest, spec: VmSpec, name: string): Refusal {
    const key = keyOf(request);
    const known = this.#known.get(key) ?? this.#explain(request);
    known.placed = this.#tentative.count;
    this.#known.set(key, known);
    if (known.noHost === null) return refuseUnexplained(spec, name, mostExplanations);
    return refuseNoHost(known.noHost, spec, name, known.suggestion);
  }

  #explain(request: PlacementRequest): Known {
    const known: Known = { noHost: null, suggestion: null, placed: 0 };
    if (this.#explained === mostExplanations) return known;
    this.#explained += 1;
    known.noHost = explain(this.#state, request);
    if (!known.noHost.temporary) known.suggestion = suggest(this.#state, request, known.noHost);
    return known;
  }
}

/** The same for requests that ask for the same. */
function keyOf(request: PlacementRequest): string {
  const { needs, pool, architecture, dataClass, placement, leastDiskMib, extras, layout } = request;
  return JSON.stringify([needs, pool, architecture, dataClass, placement, leastDiskMib, extras, layout]);
}
