/** `secovia administration resume`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const administrationResume = defineCommand({
  usage: 'administration resume <administration...>',
  summary: 'Take a suspension back',
  examples: ['secovia administration resume city'],

  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'administrations',
      service: 'AdministrationService',
      method: 'ResumeAdministration',
      done: 'resumed administration',
      order: (connection, name) =>
        connection.mutate('AdministrationService', 'ResumeAdministration', { name }),
    }),
});
