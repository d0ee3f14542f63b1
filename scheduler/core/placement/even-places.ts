/**
 * The places that a spread counts, sorted by how many of the group each has: which of them one VM more would leave even
 * is known without going through them. It is kept up with every claim, because the VMs of a batch come by the thousand,
 * and there may be as many places.
 */
import type { Places } from './rules/relation.js';

export class EvenPlaces {
  readonly #usable: ReadonlySet<string>;
  readonly #counts: ReadonlyMap<string, number>;
  /** The places that have so many. */
  readonly #having = new Map<number, Set<string>>();
  #fewest = 0;

  /** `counts` is how many of the group each place has; `moved` is to be called when it has changed. */
  constructor(usable: ReadonlySet<string>, counts: ReadonlyMap<string, number>) {
    this.#usable = usable;
    this.#counts = counts;
    for (const place of usable) this.#add(place, counts.get(place) ?? 0);
    this.#findFewest();
  }

  /** How many the place with the fewest has. */
  get fewest(): number {
    return this.#fewest;
  }

  /** A place has one more, or one less, than it had. */
  moved(place: string, from: number, to: number): void {
    if (!this.#usable.has(place)) return;
    const before = this.#having.get(from);
    before?.delete(place);
    if (before?.size === 0) this.#having.delete(from);
    this.#add(place, to);
    if (to < this.#fewest || before?.size === 0) this.#findFewest();
  }

  /** Places that may have one more: then they have at most `maxSkew` more than the place with the fewest. */
  withOneMore(maxSkew: number): Places {
    const most = this.#fewest + maxSkew - 1;
    const having = [...this.#having].filter(([count]) => count <= most).map(([, places]) => places);
    return {
      size: having.reduce((sum, places) => sum + places.size, 0),
      has: (place) => this.#usable.has(place) && (this.#counts.get(place) ?? 0) <= most,
      *keys() {
        for (const places of having) yield* places;
      },
    };
  }

  #add(place: string, count: number): void {
    const places = this.#having.get(count);
    if (places === undefined) this.#having.set(count, new Set([place]));
    else places.add(place);
  }

  /** There are never many different counts: one place can be ahead of another by what its group's skew allows. */
  #findFewest(): void {
    this.#fewest = Math.min(...this.#having.keys());
  }
}
