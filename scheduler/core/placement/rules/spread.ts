/**
 * Evenly: with one VM more, a place may have at most `maxSkew` more of the group than the place with the fewest. Only
 * places with a host that the request may use at all count.
 */
import type { RelationRule } from './relation.js';

export const spreadEvenly: RelationRule = {
  policy: 'spread',
  judge: (_counts, { maxSkew }, evenPlaces) => {
    const even = evenPlaces();
    return {
      code: 'UNEVEN_SPREAD',
      only: true,
      places: even.withOneMore(maxSkew),
      fewest: even.fewest,
    };
  },
};
