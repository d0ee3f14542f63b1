/** While a site is in recovery (PROTOCOL E2) nothing is started there. */
import type { Rule } from './index.js';

export const recovering: Rule = {
  reads: 'host',
  code: 'SITE_RECOVERING',
  excludes: (state, host) => state.federation.recoveringSites.includes(host.site),
};
