/** `secovia site create`. */
import { defineCommand, option, repeated } from '../../command.js';
import { present } from '../../output/present.js';
import { type RoomOptions, roomOptions } from '../../site-options.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseCountry } from '../../values/words.js';

interface Options extends RoomOptions {
  partner: string;
  country: string;
  jurisdiction?: string[];
  title?: string;
}

export const siteCreate = defineCommand<Options>({
  usage: 'site create <name>',
  summary: 'Add a data centre to the federation',
  examples: [
    'secovia site create sofia-1 --partner acme --country BG --jurisdiction EU --title "Sofia, first hall"',
  ],
  options: [
    option('--partner <partner>', 'the organisation that owns it, as a short id').makeOptionMandatory(),
    option('--country <country>', 'where it stands, ISO 3166-1, e.g. BG', parseCountry).makeOptionMandatory(),
    repeated('--jurisdiction <jurisdiction>', 'whose law holds there, e.g. EU', (text) => text),
    option('--title <text>', 'a name for people'),
    ...roomOptions(),
  ],
  async run(context, [siteId = ''], options) {
    const { partner, country, jurisdiction = [], title = '' } = options;
    const connection = await context.connection();
    const response = await connection.mutate('SiteService', 'CreateSite', {
      siteId: shortName(resourceName('sites', siteId)),
      site: {
        partner,
        country,
        jurisdictions: jurisdiction,
        title,
        vcpuOvercommitPercent: options.vcpuOvercommit ?? 0,
        keepFailoverRoom: options.keepFailoverRoom ?? false,
        priceTier: options.priceTier ?? 0,
      },
    });
    await present(context, {
      service: 'SiteService',
      method: 'CreateSite',
      response,
      names: [response.site?.name ?? ''],
      text: () => `created site ${shortName(response.site?.name ?? '')}\n`,
    });
  },
});
