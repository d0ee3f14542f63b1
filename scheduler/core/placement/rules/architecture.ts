/** An image runs only on the architecture that it was built for. */
import type { Rule } from './index.js';

export const architecture: Rule = {
  reads: 'profile',
  code: 'OTHER_ARCHITECTURE',
  excludes: (_state, host, request) => host.architecture !== request.architecture,
};
