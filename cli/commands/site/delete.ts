/** `secovia site delete`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  etag?: string;
}

export const siteDelete = defineCommand<Options>({
  usage: 'site delete <site>',
  summary: 'Take a site without hosts out of the federation',
  examples: ['secovia site delete sofia-1'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  async run(context, [site = ''], { etag = '' }) {
    const name = resourceName('sites', site);
    const connection = await context.connection();
    const response = await connection.mutate('SiteService', 'DeleteSite', { name, etag });
    await present(context, {
      service: 'SiteService',
      method: 'DeleteSite',
      response,
      names: [name],
      text: () => `deleted site ${shortName(name)}\n`,
    });
  },
});
