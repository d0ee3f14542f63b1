/** `secovia operation cancel`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { stateWord } from '../../views/enums.js';

export const operationCancel = defineCommand({
  usage: 'operation cancel <operation>',
  summary: 'Give up the goal of an operation',
  description:
    'A VM that a cancelled create has not brought to run yet is deleted; what has happened already is not undone.',
  examples: ['secovia operation cancel OPERATION'],
  async run(context, [operation = '']) {
    const name = resourceName('operations', operation);
    const connection = await context.connection();
    const response = await connection.mutate('OperationService', 'CancelOperation', { name });
    await present(context, {
      service: 'OperationService',
      method: 'CancelOperation',
      response,
      names: [name],
      text: () => `operation ${shortName(name)} is ${stateWord(response.operation?.state ?? 'CANCELLED')}\n`,
    });
  },
});
