/** `secovia pool delete`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  etag?: string;
}

export const poolDelete = defineCommand<Options>({
  usage: 'pool delete <pool>',
  summary: 'Delete a pool without volumes',
  examples: ['secovia pool delete nfs-1'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  async run(context, [pool = ''], { etag = '' }) {
    const name = resourceName('storagePools', pool);
    const connection = await context.connection();
    const response = await connection.mutate('StoragePoolService', 'DeleteStoragePool', { name, etag });
    await present(context, {
      service: 'StoragePoolService',
      method: 'DeleteStoragePool',
      response,
      names: [name],
      text: () => `deleted pool ${shortName(name)}\n`,
    });
  },
});
