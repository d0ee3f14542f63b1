/** `secovia site show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { siteSheet } from '../../views/site.js';

export const siteShow = defineCommand({
  usage: 'site show <site>',
  summary: 'Show a site',
  examples: ['secovia site show sofia-1'],
  async run(context, [site = '']) {
    const connection = await context.connection();
    const response = await connection.call('SiteService', 'GetSite', { name: resourceName('sites', site) });
    await present(context, {
      service: 'SiteService',
      method: 'GetSite',
      response,
      names: [response.site?.name ?? ''],
      text: () => (response.site === null ? '' : siteSheet(response.site, context.nowMs, context.paint)),
    });
  },
});
