/** `secovia administration list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { administrationColumns } from '../../views/administration.js';

export const administrationList = defineCommand({
  usage: 'administration list',
  summary: 'List the administrations',
  examples: ['secovia administration list'],
  run: (context) =>
    list(context, {
      service: 'AdministrationService',
      method: 'ListAdministrations',
      request: {},
      key: 'administrations',
      rows: (page) => page.administrations,
      columns: administrationColumns(context.nowMs),
      none: 'there is no administration yet. Add one with secovia administration create.',
    }),
});
