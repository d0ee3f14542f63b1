/** `secovia class list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { dataClassColumns } from '../../views/residency.js';

export const classList = defineCommand({
  usage: 'class list',
  summary: 'List the data classes',
  examples: ['secovia class list'],
  run: (context) =>
    list(context, {
      service: 'ResidencyService',
      method: 'ListDataClasses',
      request: {},
      key: 'dataClasses',
      rows: (page) => page.dataClasses,
      columns: dataClassColumns(context.nowMs),
      none: 'there is no data class.',
    }),
});
