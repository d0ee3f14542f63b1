/** `secovia pool show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { poolSheet } from '../../views/pool.js';

export const poolShow = defineCommand({
  usage: 'pool show <pool>',
  summary: 'Show a pool',
  examples: ['secovia pool show nfs-1'],
  async run(context, [pool = '']) {
    const connection = await context.connection();
    const response = await connection.call('StoragePoolService', 'GetStoragePool', {
      name: resourceName('storagePools', pool),
    });
    const found = response.storagePool;
    await present(context, {
      service: 'StoragePoolService',
      method: 'GetStoragePool',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : poolSheet(found, context.nowMs, context.paint)),
    });
  },
});
