/** `secovia administration delete`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  etag?: string;
}

export const administrationDelete = defineCommand<Options>({
  usage: 'administration delete <administration>',
  summary: 'Delete an administration without VMs and without children',
  examples: ['secovia administration delete city'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  async run(context, [administration = ''], { etag = '' }) {
    const name = resourceName('administrations', administration);
    const connection = await context.connection();
    const response = await connection.mutate('AdministrationService', 'DeleteAdministration', { name, etag });
    await present(context, {
      service: 'AdministrationService',
      method: 'DeleteAdministration',
      response,
      names: [name],
      text: () => `deleted administration ${shortName(name)}\n`,
    });
  },
});
