/** The caller has named hosts where the VM must not be. */
import type { Rule } from './index.js';

export const excludedHosts: Rule = {
  reads: 'name',
  code: 'EXCLUDED_BY_REQUEST',
  excludes: (_state, host, { placement }) => placement.excludedHosts.includes(host.id),
};
