/** `secovia site uncordon`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

export const siteUncordon = defineCommand({
  usage: 'site uncordon <site...>',
  summary: 'Let new VMs be placed on a site again',
  examples: ['secovia site uncordon sofia-1'],
  async run(context, names) {
    const connection = await context.connection();
    for (const name of names) {
      const response = await connection.mutate('SiteService', 'UncordonSite', {
        name: resourceName('sites', name),
      });
      await present(context, {
        service: 'SiteService',
        method: 'UncordonSite',
        response,
        names: [response.site?.name ?? ''],
        text: () => `uncordoned site ${shortName(response.site?.name ?? '')}\n`,
      });
    }
  },
});
