/** `secovia residency breaches`: VMs that are where they may not be any more. */
import type { Breach__Output } from '../../../proto/gen/secovia/v1/Breach.js';
import { defineCommand, option } from '../../command.js';
import { list } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { breachColumns } from '../../views/residency.js';

interface Options {
  administration?: string;
}

export const residencyBreaches = defineCommand<Options>({
  usage: 'residency breaches',
  summary: 'List the VMs that are where they may not be any more',
  description: 'They run on; nothing new is placed there, and each of them has to be moved.',
  examples: ['secovia residency breaches', 'secovia residency breaches --administration osijek'],
  options: [
    option('-A, --administration <administration>', 'of it and of those below it (default: of all)', (text) =>
      resourceName('administrations', text),
    ),
  ],
  run: (context, _args, { administration = '' }) =>
    list<'ResidencyService', 'ListBreaches', Breach__Output & { name: string }>(context, {
      service: 'ResidencyService',
      method: 'ListBreaches',
      request: { administration },
      key: 'breaches',
      rows: (page) => page.breaches.map((breach) => ({ ...breach, name: breach.vm })),
      columns: breachColumns(context.nowMs),
      none: 'every VM is where it may be.',
    }),
});
