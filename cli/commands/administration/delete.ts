/** `secovia administration delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const administrationDelete = defineCommand<Options>({
  usage: 'administration delete <administration>',
  summary: 'Delete an administration without VMs and without children',
  examples: ['secovia administration delete city'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'administrations',
      service: 'AdministrationService',
      method: 'DeleteAdministration',
      done: 'deleted administration',
      order: (connection, name) =>
        connection.mutate('AdministrationService', 'DeleteAdministration', { name, etag }),
    }),
});
