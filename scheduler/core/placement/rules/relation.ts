/** Rules about where other VMs are. Each says in which places a VM may not be, or in which alone it may. */
import type { GroupPolicy, GroupRule } from '../../model.js';
import type { EvenPlaces } from '../even-places.js';

export type RelationCode = 'AWAY_FROM_GROUP' | 'TOO_CLOSE_TO_GROUP' | 'UNEVEN_SPREAD';

/** Some places, as they are now: what has been claimed since may be in it. */
export interface Places {
  readonly size: number;
  has(place: string): boolean;
  keys(): Iterable<string>;
}

export interface Judgement {
  code: RelationCode;
  /** Whether the places are the only ones allowed, or the ones forbidden. */
  only: boolean;
  places: Places;
  /** Of a spread: how many the place with the fewest has. When that rises, places come to be allowed. */
  fewest?: number;
}

export interface RelationRule {
  policy: GroupPolicy;
  /**
   * `counts` is how many of the group each place has; `even` gives the places that the request may use at all, sorted by
   * it. Null means that every place will do.
   */
  judge(counts: ReadonlyMap<string, number>, rule: GroupRule, even: () => EvenPlaces): Judgement | null;
}
