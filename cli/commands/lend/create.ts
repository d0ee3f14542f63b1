/** `secovia lend create`. */
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import {
  type LimitOptions,
  limitsOf,
  newLimitOptions,
  saysLimits,
  scopeOptions,
} from '../../limit-options.js';
import { present } from '../../output/present.js';
import { type Moment, momentMessage, parseMoment } from '../../values/moments.js';
import { resourceName, shortName } from '../../values/names.js';
import { type ScopeOptions, scopeOf } from '../../values/scopes.js';

interface Options extends LimitOptions, ScopeOptions {
  from: string;
  to: string;
  until: Moment;
  note?: string;
}

export const lendCreate = defineCommand<Options>({
  usage: 'lend create <name>',
  summary: 'Lend unused quota of one administration to another until a time',
  description:
    'The limit moves along both ways up the tree, below the administration that both have above them. The lender must ' +
    'have the amount unused; it can have it back at any time with lend recall.',
  examples: [
    'secovia lend create summer --from zagreb --to split --vcpus 32 --memory 128GiB --until 2027-09-30',
    'secovia lend create gpus --from zagreb --to osijek --extra gpu:a30=2 --until 30d --site zagreb-1 --note "a census"',
  ],
  options: [
    option('--from <administration>', 'who lends', (text) =>
      resourceName('administrations', text),
    ).makeOptionMandatory(),
    option('--to <administration>', 'who borrows', (text) =>
      resourceName('administrations', text),
    ).makeOptionMandatory(),
    option('--until <time>', 'e.g. 2027-01-31, 2027-01-31T12:00Z or 30d', parseMoment).makeOptionMandatory(),
    ...newLimitOptions('lend'),
    ...scopeOptions(),
    option('--note <text>', 'why'),
  ],
  async run(context, [id = ''], options) {
    if (!saysLimits(options))
      throw usageFailure('lend how much? Say at least one of --vcpus, --memory, --disk, --vms and --extra.');
    const { from: lender, to: borrower, until, note = '' } = options;
    const connection = await context.connection();
    const response = await connection.mutate('QuotaService', 'CreateLoan', {
      loanId: shortName(resourceName('loans', id)),
      loan: {
        lender,
        borrower,
        scope: scopeOf(options),
        amount: limitsOf(options),
        expireTime: momentMessage(until, context.nowMs),
        note,
      },
    });
    const name = response.loan?.name ?? '';
    await present(context, {
      service: 'QuotaService',
      method: 'CreateLoan',
      response,
      names: [name],
      text: () => `created loan ${shortName(name)} from ${shortName(lender)} to ${shortName(borrower)}\n`,
    });
  },
});
