/**
 * The sites of the fleets, and where VMs may be. Half of the VMs may be anywhere, as many are bound to some countries
 * or to some sites; and for each site there is the wish to be there and nowhere else.
 */
import type { VmPlacement } from '../../scheduler/core/model.js';
import type { Random } from '../scheduler/core/placement/random.js';

/** How many of a hundred hosts each site has: federations have small partners and large ones. */
const shares = [1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 7, 8, 8];
const countryCount = 8;

export const sites = shares.map((share, site) => ({
  id: `site-${String(site).padStart(2, '0')}`,
  country: `C${site % countryCount}`,
  share,
}));

/** The site that has one host of a hundred. */
export const smallSite = 0;

/** A wish of where to be, and the same as a mask with a bit a site, which is what the scans read. */
export interface Place {
  placement: VmPlacement;
  sites: number;
}

/** How many of the first places are drawn for usual VMs; after them comes one a site. */
export const usualPlaces = 50;

export function makePlaces(random: Random): Place[] {
  const anywhere = Array.from({ length: usualPlaces / 2 }, () => place([], []));
  const bound = Array.from({ length: usualPlaces / 2 }, (_, index) => {
    if (index % 2 === 0) {
      const countries = new Set(Array.from({ length: 4 }, () => `C${random.below(countryCount)}`));
      return place([], [...countries]);
    }
    const some = sites.filter(() => random.next() < 0.4);
    return place(some.length === 0 ? [random.pick(sites).id] : some.map(({ id }) => id), []);
  });
  return [...anywhere, ...bound, ...sites.map(({ id }) => place([id], []))];
}

function place(siteIds: string[], countries: string[]): Place {
  let mask = 0;
  for (const [site, { id, country }] of sites.entries()) {
    const allowed =
      siteIds.length > 0 ? siteIds.includes(id) : countries.length === 0 || countries.includes(country);
    if (allowed) mask |= 1 << site;
  }
  return { placement: { sites: siteIds, countries, excludedHosts: [] }, sites: mask };
}
