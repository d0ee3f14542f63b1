/** `secovia agreement list`. */
import { defineCommand, option } from '../../command.js';
import { list } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { agreementColumns } from '../../views/agreement.js';

interface Options {
  partner?: string;
}

export const agreementList = defineCommand<Options>({
  usage: 'agreement list',
  summary: 'List the agreements',
  examples: ['secovia agreement list', 'secovia agreement list --partner acme'],
  options: [
    option('--partner <partner>', 'those that let its sites be used', (text) =>
      resourceName('partners', text),
    ),
  ],
  run: (context, _args, options) =>
    list(context, {
      service: 'AgreementService',
      method: 'ListAgreements',
      request: { partner: options.partner ?? '' },
      key: 'agreements',
      rows: (page) => page.agreements,
      columns: agreementColumns(context.nowMs),
      none: 'there is no agreement. Add one with secovia agreement create.',
    }),
});
