/** `secovia site cordon`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

export const siteCordon = defineCommand({
  usage: 'site cordon <site...>',
  summary: 'Place nothing new on any host of a site',
  description: 'What runs there runs on.',
  examples: ['secovia site cordon sofia-1'],
  async run(context, names) {
    const connection = await context.connection();
    for (const name of names) {
      const response = await connection.mutate('SiteService', 'CordonSite', {
        name: resourceName('sites', name),
      });
      await present(context, {
        service: 'SiteService',
        method: 'CordonSite',
        response,
        names: [response.site?.name ?? ''],
        text: () => `cordoned site ${shortName(response.site?.name ?? '')}\n`,
      });
    }
  },
});
