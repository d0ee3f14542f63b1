/** `secovia administration show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { administrationSheet } from '../../views/administration.js';

export const administrationShow = defineCommand({
  usage: 'administration show <administration>',
  summary: 'Show an administration',
  examples: ['secovia administration show city'],
  async run(context, [administration = '']) {
    const connection = await context.connection();
    const response = await connection.call('AdministrationService', 'GetAdministration', {
      name: resourceName('administrations', administration),
    });
    const found = response.administration;
    await present(context, {
      service: 'AdministrationService',
      method: 'GetAdministration',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : administrationSheet(found, context.nowMs, context.paint)),
    });
  },
});
