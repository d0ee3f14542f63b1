/**
 * Evenly: with one VM more, a place may have at most `maxSkew` more of the group than the place with the fewest. Only
 * places with a host that the request may use at all count.
 */
import type { RelationRule } from './relation.js';

export const spreadEvenly: RelationRule = {
  policy: 'spread',
  judge: (counts, { maxSkew }, usable) => {
    const places = usable();
    let fewest = Number.POSITIVE_INFINITY;
    for (const place of places) fewest = Math.min(fewest, counts.get(place) ?? 0);
    const even = [...places].filter((place) => (counts.get(place) ?? 0) + 1 - fewest <= maxSkew);
    return { code: 'UNEVEN_SPREAD', only: true, places: new Set(even) };
  },
};
