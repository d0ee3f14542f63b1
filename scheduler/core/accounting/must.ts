/** A journal that speaks of what it never made is damaged, and nothing may be settled from it. */
import type { Change } from '../changes.js';

export function must<T>(known: T | undefined, change: Change): T {
  if (known === undefined) throw new Error(`the change ${JSON.stringify(change)} does not fit the journal`);
  return known;
}
