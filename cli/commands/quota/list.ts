/** `secovia quota list`. */
import { defineCommand, flag, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { list } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { quotaColumns } from '../../views/quota.js';

interface Options {
  administration?: string;
  subtree?: true;
}

export const quotaList = defineCommand<Options>({
  usage: 'quota list',
  summary: 'List quotas, with what is used of them',
  description: 'Amounts are used/allowed; 3/- has no limit.',
  examples: ['secovia quota list', 'secovia quota list --administration croatia --subtree'],
  options: [
    option('-A, --administration <administration>', 'its own (default: of all administrations)', (text) =>
      resourceName('administrations', text),
    ),
    flag('--subtree', 'with --administration: also of those below it'),
  ],
  async run(context, _args, { administration, subtree = false }) {
    if (subtree && administration === undefined) throw usageFailure('--subtree goes with --administration.');
    await list(context, {
      service: 'QuotaService',
      method: 'ListQuotas',
      request: { parent: administration ?? 'administrations/-', subtree },
      key: 'quotas',
      rows: (page) => page.quotas,
      columns: quotaColumns(),
      none: 'there is no quota. Set one with secovia quota set.',
    });
  },
});
