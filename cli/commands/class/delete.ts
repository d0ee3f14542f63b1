/** `secovia class delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const classDelete = defineCommand({
  usage: 'class delete <class>',
  summary: 'Delete a data class that no VM has and no rule names',
  examples: ['secovia class delete health'],

  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'dataClasses',
      service: 'ResidencyService',
      method: 'DeleteDataClass',
      done: 'deleted data class',
      order: (connection, name) => connection.mutate('ResidencyService', 'DeleteDataClass', { name }),
    }),
});
