/** Rules about where other VMs are. Each says in which places a VM may not be, or in which alone it may. */
import type { GroupPolicy, GroupRule } from '../../model.js';

export type RelationCode = 'AWAY_FROM_GROUP' | 'TOO_CLOSE_TO_GROUP' | 'UNEVEN_SPREAD';

export interface Judgement {
  code: RelationCode;
  /** Whether the places are the only ones allowed, or the ones forbidden. */
  only: boolean;
  places: ReadonlySet<string>;
}

export interface RelationRule {
  policy: GroupPolicy;
  /**
   * `counts` is how many of the group each place has; `usable` gives the places that the request may use at all. Null
   * means that every place will do.
   */
  judge(
    counts: ReadonlyMap<string, number>,
    rule: GroupRule,
    usable: () => ReadonlySet<string>,
  ): Judgement | null;
}
