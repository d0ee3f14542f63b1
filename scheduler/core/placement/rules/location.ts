/** The caller has named the sites, countries or jurisdictions where the VM may be. */
import type { Rule } from './index.js';

export const location: Rule = {
  reads: 'profile',
  code: 'NOT_ALLOWED_THERE',
  excludes: (state, host, { placement }) => {
    const { sites, countries, jurisdictions = [] } = placement;
    if (sites.length > 0 && !sites.includes(host.site)) return true;
    if (countries.length + jurisdictions.length === 0) return false;
    const site = state.sites.get(host.site);
    if (site === undefined) return true;
    if (countries.length > 0 && !countries.includes(site.country)) return true;
    return jurisdictions.length > 0 && !jurisdictions.some((one) => site.jurisdictions.includes(one));
  },
};
