/** `secovia operation show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { operationSheet } from '../../views/operation.js';

export const operationShow = defineCommand({
  usage: 'operation show <operation>',
  summary: 'Show an operation: how far it is, and how it ended',
  examples: ['secovia operation show OPERATION'],
  async run(context, [operation = '']) {
    const connection = await context.connection();
    const response = await connection.call('OperationService', 'GetOperation', {
      name: resourceName('operations', operation),
    });
    const found = response.operation;
    await present(context, {
      service: 'OperationService',
      method: 'GetOperation',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : operationSheet(found, context.nowMs, context.paint)),
    });
  },
});
