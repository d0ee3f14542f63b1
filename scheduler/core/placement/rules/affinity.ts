/** Together: where others of the group are. The first of a group may go anywhere. */
import type { RelationRule } from './relation.js';

export const affinity: RelationRule = {
  policy: 'affinity',
  judge: (counts) => (counts.size === 0 ? null : { code: 'AWAY_FROM_GROUP', only: true, places: counts }),
};
