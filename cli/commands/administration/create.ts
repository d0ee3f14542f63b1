/** `secovia administration create`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseCountry } from '../../values/words.js';

interface Options {
  country: string;
  parent?: string;
  title?: string;
}

export const administrationCreate = defineCommand<Options>({
  usage: 'administration create <name>',
  summary: 'Add an administration',
  examples: [
    'secovia administration create bulgaria --country BG',
    'secovia administration create plovdiv --country BG --parent bulgaria --title "Община Пловдив"',
  ],
  options: [
    option('--country <country>', 'ISO 3166-1, e.g. BG', parseCountry).makeOptionMandatory(),
    option('--parent <administration>', 'above it in the tree (default: it is a root)', (text) =>
      resourceName('administrations', text),
    ),
    option('--title <text>', 'a name for people, in any script'),
  ],
  async run(context, [id = ''], { country, parent = '', title = '' }) {
    const connection = await context.connection();
    const response = await connection.mutate('AdministrationService', 'CreateAdministration', {
      administrationId: shortName(resourceName('administrations', id)),
      administration: { country, parent, title },
    });
    const name = response.administration?.name ?? '';
    await present(context, {
      service: 'AdministrationService',
      method: 'CreateAdministration',
      response,
      names: [name],
      text: () => `created administration ${shortName(name)}\n`,
    });
  },
});
