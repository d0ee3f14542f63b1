/** A host may be kept for one administration and those below it. */
import type { Rule } from './index.js';

export const dedicated: Rule = {
  reads: 'profile',
  code: 'DEDICATED_TO_OTHERS',
  excludes: (state, { dedicatedTo }, { administration }) =>
    dedicatedTo !== null && !state.isWithin(administration, dedicatedTo),
};
