/** `secovia residency list`. */
import { defineCommand, option } from '../../command.js';
import { list } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { ruleColumns } from '../../views/residency.js';

interface Options {
  administration?: string;
}

export const residencyList = defineCommand<Options>({
  usage: 'residency list',
  summary: 'List the residency rules',
  examples: ['secovia residency list', 'secovia residency list --administration osijek'],
  options: [
    option(
      '-A, --administration <administration>',
      'those that hold for it: its own and those above it',
      (text) => resourceName('administrations', text),
    ),
  ],
  run: (context, _args, options) =>
    list(context, {
      service: 'ResidencyService',
      method: 'ListResidencyRules',
      request: { administration: options.administration ?? '' },
      key: 'residencyRules',
      rows: (page) => page.residencyRules,
      columns: ruleColumns(context.nowMs),
      none: 'there is no residency rule. Add one with secovia residency create.',
    }),
});
