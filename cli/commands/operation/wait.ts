/** `secovia operation wait`. */
import { defineCommand } from '../../command.js';
import { Failure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { progressCount, took } from '../../views/operation.js';
import { type Awaited, waitForOperations } from '../../waiting.js';

export const operationWait = defineCommand({
  usage: 'operation wait <operation...>',
  summary: 'Wait until operations have ended',
  description: 'The exit code is 6 when one failed, was cancelled, or had not ended when --timeout was over.',
  examples: ['secovia operation wait OPERATION', 'secovia operation wait OPERATION --timeout 1m'],
  async run(context, words) {
    const connection = await context.connection();
    const awaited: Awaited[] = [];
    for (const word of words) {
      const name = resourceName('operations', word);
      const { operation } = await connection.call('OperationService', 'GetOperation', { name });
      if (operation !== null) awaited.push({ operation, label: `${operation.verb} ${shortName(name)}` });
    }
    const ended = await waitForOperations(context, awaited);
    const { operationFailure } = await import('../../client/operation-failure.js');
    const failures: Failure[] = [];
    for (const operation of ended) {
      const label = `${operation.verb} ${shortName(operation.name)}`;
      const failure = operationFailure(label, operation);
      if (failure !== undefined) failures.push(failure);
      if (failure !== undefined && context.format === 'table') continue;
      await present(context, {
        service: 'OperationService',
        method: 'WaitOperation',
        response: { operation },
        names: [operation.name],
        text: () => `${label}: done, ${progressCount(operation)} in ${took(operation, context.nowMs)}\n`,
      });
    }
    const [first] = failures;
    if (first === undefined) return;
    if (ended.length === 1) throw first;
    for (const failure of failures) for (const line of [failure.message, ...failure.lines]) context.say(line);
    throw new Failure(
      `${failures.length} of ${ended.length} operations: no success, see above.`,
      first.exitCode,
    );
  },
});
