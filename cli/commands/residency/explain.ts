/** `secovia residency explain`: on which sites data may be, and why. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { Table } from '../../output/table.js';
import { resourceName } from '../../values/names.js';
import { verdictColumns } from '../../views/residency.js';
import { dataClassOption } from '../../vm-options.js';

interface Options {
  dataClass?: string;
}

export const residencyExplain = defineCommand<Options>({
  usage: 'residency explain <administration>',
  summary: 'Say on which sites VMs of an administration may be, and why',
  description:
    'A VM goes only where it is lawful and served: the law allows its data there, and the partner of the site serves ' +
    'the administration.',
  examples: ['secovia residency explain osijek --data-class personal'],
  options: [dataClassOption()],
  async run(context, [administration = ''], { dataClass = '' }) {
    const connection = await context.connection();
    const response = await connection.call('ResidencyService', 'ExplainResidency', {
      administration: resourceName('administrations', administration),
      dataClass,
    });
    const { sites } = response;
    await present(context, {
      service: 'ResidencyService',
      method: 'ExplainResidency',
      response,
      names: sites.filter(({ lawful, served }) => lawful && served).map(({ site }) => site),
      text: async () =>
        sites.length === 0
          ? 'there is no site\n'
          : await new Table(verdictColumns, context.paint).page(sites),
    });
  },
});
