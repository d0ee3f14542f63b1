/** An image runs only on the architecture that it was built for. */
import type { Rule } from './index.js';

export const architecture: Rule = {
  code: 'OTHER_ARCHITECTURE',
  excludes: (_state, host, request) => host.inventory?.['architecture'] !== request.architecture,
};
