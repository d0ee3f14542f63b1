/** `secovia partner create`. */
import { defineCommand, flag, option, repeated } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseCountry } from '../../values/words.js';

interface Options {
  country: string;
  administration?: string[];
  open?: true;
  title?: string;
}

export const partnerCreate = defineCommand<Options>({
  usage: 'partner create <name>',
  summary: 'Add an organisation that owns data centres',
  description:
    'Its sites serve its own administrations, and others under agreements. Without --administration all administrations ' +
    'of its country are its own.',
  examples: [
    'secovia partner create acme --country BG --title "Acme Data Centres"',
    'secovia partner create arnes --country SI --administration ljubljana --administration maribor',
  ],
  options: [
    option('--country <country>', 'ISO 3166-1, e.g. BG', parseCountry).makeOptionMandatory(),
    repeated('--administration <administration>', 'its own, with those below it', (text) =>
      resourceName('administrations', text),
    ),
    flag('--open', 'its sites serve everybody, without agreements'),
    option('--title <text>', 'a name for people'),
  ],
  async run(context, [id = ''], { country, administration = [], open = false, title = '' }) {
    const connection = await context.connection();
    const response = await connection.mutate('PartnerService', 'CreatePartner', {
      partnerId: shortName(resourceName('partners', id)),
      partner: { country, administrations: administration, open, title },
    });
    const name = response.partner?.name ?? '';
    await present(context, {
      service: 'PartnerService',
      method: 'CreatePartner',
      response,
      names: [name],
      text: () => `created partner ${shortName(name)}\n`,
    });
  },
});
