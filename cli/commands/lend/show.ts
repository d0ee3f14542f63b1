/** `secovia lend show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { loanSheet } from '../../views/quota.js';

export const lendShow = defineCommand({
  usage: 'lend show <loan>',
  summary: 'Show a loan of quota',
  examples: ['secovia lend show summer'],
  async run(context, [word = '']) {
    const connection = await context.connection();
    const response = await connection.call('QuotaService', 'GetLoan', {
      name: resourceName('loans', word),
    });
    const found = response.loan;
    await present(context, {
      service: 'QuotaService',
      method: 'GetLoan',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : loanSheet(found, context.nowMs, context.paint)),
    });
  },
});
