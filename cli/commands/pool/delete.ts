/** `secovia pool delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const poolDelete = defineCommand<Options>({
  usage: 'pool delete <pool>',
  summary: 'Delete a pool without volumes',
  examples: ['secovia pool delete nfs-1'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'storagePools',
      service: 'StoragePoolService',
      method: 'DeleteStoragePool',
      done: 'deleted pool',
      order: (connection, name) =>
        connection.mutate('StoragePoolService', 'DeleteStoragePool', { name, etag }),
    }),
});
