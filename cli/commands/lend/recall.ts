/** `secovia lend recall`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const lendRecall = defineCommand<Options>({
  usage: 'lend recall <loan>',
  summary: 'Give the amount of a loan back to its lender at once',
  description: 'What the borrower then holds above its limit runs on, and it cannot grow.',
  examples: ['secovia lend recall summer'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'loans',
      service: 'QuotaService',
      method: 'RecallLoan',
      done: 'recalled loan',
      order: (connection, name) => connection.mutate('QuotaService', 'RecallLoan', { name, etag }),
    }),
});
