/**
 * Who may see a decision, and how much of it. Most decisions concern one partner and one administration, and are seen
 * whole by whoever sees them. One that concerns several partners has parts: of its changes a partner sees those that
 * concern it, and of what stands beside them only its own running number.
 */
import type { Change } from '../changes.js';
import type { State } from '../state.js';
import { administrationsOf, both, type Concerned, isSettledAfter, partnersOf } from './concern.js';

/** Indexes of changes by who may see them; an empty list means all. */
export type Shares = ReadonlyMap<string, readonly number[]>;

/** Collects whom the changes of one decision concern, each before and after it is applied. */
export class Audience {
  readonly #partners: Concerned[] = [];
  readonly #administrations: Concerned[] = [];

  before(state: State, change: Change): void {
    this.#partners.push(partnersOf(state, change));
    this.#administrations.push(administrationsOf(state, change));
  }

  after(state: State, change: Change): void {
    if (!isSettledAfter(change)) return;
    const last = this.#partners.length - 1;
    this.#partners[last] = both(this.#partners[last] as Concerned, partnersOf(state, change));
  }

  get partners(): Shares {
    return sharesOf(this.#partners);
  }

  get administrations(): Shares {
    return sharesOf(this.#administrations);
  }
}

const none: Shares = new Map();
const everything: readonly number[] = [];

function sharesOf(concerned: readonly Concerned[]): Shares {
  let only: string | null = null;
  for (const each of concerned) {
    if (each === null || each === only) continue;
    if (only !== null || typeof each !== 'string') return sharesOfMany(concerned);
    only = each;
  }
  return only === null ? none : new Map([[only, everything]]);
}

function sharesOfMany(concerned: readonly Concerned[]): Shares {
  const shares = new Map<string, number[]>();
  let own = 0;
  for (const [index, each] of concerned.entries()) {
    if (each === null) continue;
    own += 1;
    for (const id of typeof each === 'string' ? [each] : each) {
      const some = shares.get(id);
      if (some === undefined) shares.set(id, [index]);
      else some.push(index);
    }
  }
  // What says nothing of its own goes with the rest only for one who sees all the rest.
  return new Map([...shares].map(([id, some]) => [id, some.length === own ? everything : some]));
}
