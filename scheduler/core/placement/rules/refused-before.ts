/** A host that has refused this VM is not asked again in the same attempt. */
import type { Rule } from './index.js';

export const refusedBefore: Rule = {
  reads: 'name',
  code: 'REFUSED_BEFORE',
  excludes: (_state, host, { refusedBy }) => refusedBy.includes(host.id),
};
