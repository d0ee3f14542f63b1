/**
 * Where a VM would rather be, among hosts that break as few soft rules: first the cheaper sites, if it prefers those, and
 * then the sites that it names. It is a matter of sites, so it parts the profiles that a request may use into a few
 * masks, and the score decides within each.
 */
import type { VmPlacement } from '../model.js';
import type { State } from '../state.js';

/** The lower the better, price before preference; zeros when nothing is preferred. */
export interface SiteTier {
  price: number;
  /** How many better places the site leaves free. */
  preference: number;
}

export function prefersSites({ preferredSites, preferCheap }: VmPlacement): boolean {
  return preferCheap === true || (preferredSites !== undefined && preferredSites.length > 0);
}

export function tierOf(state: State, placement: VmPlacement, site: string): SiteTier {
  const { preferCheap, preferredSites = [], preferredSitesInOrder } = placement;
  const price = preferCheap === true ? (state.sites.get(site)?.priceTier ?? 0) : 0;
  const at = preferredSites.indexOf(site);
  if (preferredSitesInOrder === true) return { price, preference: at < 0 ? preferredSites.length : at };
  return { price, preference: at < 0 && preferredSites.length > 0 ? 1 : 0 };
}

/** Above any preference: no more sites than this can be named. */
const preferenceRange = 1024;

/** A tier as one number, which orders as the tier does. */
export function tierNumber({ price, preference }: SiteTier): number {
  return price * preferenceRange + preference;
}
