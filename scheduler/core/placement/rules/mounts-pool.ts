/** A disk on a shared pool can be used only by hosts that mount the pool. */
import type { Rule } from './index.js';

export const mountsPool: Rule = {
  reads: 'profile',
  code: 'POOL_NOT_MOUNTED',
  excludes: (_state, host, { pool }) => pool !== '' && !host.pools.includes(pool),
};
