/** `secovia lend list`. */
import { defineCommand, flag, option } from '../../command.js';
import { list } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { loanColumns } from '../../views/quota.js';

interface Options {
  administration?: string;
  ended?: true;
}

export const lendList = defineCommand<Options>({
  usage: 'lend list',
  summary: 'List the loans of quota',
  examples: ['secovia lend list', 'secovia lend list --administration osijek --ended'],
  options: [
    option('-A, --administration <administration>', 'those that it gives or has', (text) =>
      resourceName('administrations', text),
    ),
    flag('--ended', 'also those that were recalled or have expired'),
  ],
  run: (context, _args, { administration = '', ended: showEnded = false }) =>
    list(context, {
      service: 'QuotaService',
      method: 'ListLoans',
      request: { administration, showEnded },
      key: 'loans',
      rows: (page) => page.loans,
      columns: loanColumns(context.nowMs),
      none: 'there is no loan. Make one with secovia lend create.',
    }),
});
