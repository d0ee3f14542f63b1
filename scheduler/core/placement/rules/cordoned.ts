/** An operator has said that nothing new goes to this host, or to its site. */
import type { Rule } from './index.js';

export const cordoned: Rule = {
  reads: 'host',
  code: 'CORDONED',
  excludes: (state, host) => host.cordoned || state.sites.get(host.site)?.cordoned === true,
};
