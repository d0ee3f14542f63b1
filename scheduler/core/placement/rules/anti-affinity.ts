/** Apart: nowhere where one of the group is. */
import type { RelationRule } from './relation.js';

export const antiAffinity: RelationRule = {
  policy: 'anti_affinity',
  judge: (counts) => (counts.size === 0 ? null : { code: 'TOO_CLOSE_TO_GROUP', only: false, places: counts }),
};
