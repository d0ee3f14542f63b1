/** `secovia administration suspend`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const administrationSuspend = defineCommand({
  usage: 'administration suspend <administration...>',
  summary: 'Let no VM of it and of those below it be made, started or enlarged',
  description: 'What runs there runs on.',
  examples: ['secovia administration suspend city'],

  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'administrations',
      service: 'AdministrationService',
      method: 'SuspendAdministration',
      done: 'suspended administration',
      order: (connection, name) =>
        connection.mutate('AdministrationService', 'SuspendAdministration', { name }),
    }),
});
