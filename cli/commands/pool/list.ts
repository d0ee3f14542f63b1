/** `secovia pool list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { poolColumns } from '../../views/pool.js';

export const poolList = defineCommand({
  usage: 'pool list',
  summary: 'List the pools',
  examples: ['secovia pool list'],
  run: (context) =>
    list(context, {
      service: 'StoragePoolService',
      method: 'ListStoragePools',
      request: {},
      key: 'storagePools',
      rows: (page) => page.storagePools,
      columns: poolColumns(context.nowMs),
      none: 'there is no shared pool; every host has one of its own.',
    }),
});
