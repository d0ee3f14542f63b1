/** `secovia operation list`. */
import { defineCommand, option } from '../../command.js';
import { list } from '../../output/present.js';
import { operationColumns } from '../../views/operation.js';

interface Options {
  filter?: string;
}

export const operationList = defineCommand<Options>({
  usage: 'operation list',
  summary: 'List operations',
  examples: ['secovia operation list', "secovia operation list --filter 'done = false'"],
  options: [option('--filter <expression>', 'by verb, state, done; e.g. verb = create AND state = FAILED')],
  run: (context, _args, { filter = '' }) =>
    list(context, {
      service: 'OperationService',
      method: 'ListOperations',
      request: { filter },
      key: 'operations',
      rows: (page) => page.operations,
      columns: operationColumns(context.nowMs),
      none: filter === '' ? 'there is no operation.' : 'no operation matches.',
    }),
});
