/** The caller has named the sites or countries where the VM may be. */
import type { Rule } from './index.js';

export const location: Rule = {
  reads: 'profile',
  code: 'NOT_ALLOWED_THERE',
  excludes: (state, host, { placement }) => {
    if (placement.sites.length > 0 && !placement.sites.includes(host.site)) return true;
    if (placement.countries.length === 0) return false;
    const country = state.sites.get(host.site)?.country;
    return country === undefined || !placement.countries.includes(country);
  },
};
