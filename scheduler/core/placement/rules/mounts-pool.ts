/** A disk on a shared pool can be used only by hosts that mount the pool. */
import type { Rule } from './index.js';

export const mountsPool: Rule = {
  code: 'POOL_NOT_MOUNTED',
  excludes: (state, host, { pool }) => pool !== '' && state.pools.get(pool)?.hosts.includes(host.id) !== true,
};
