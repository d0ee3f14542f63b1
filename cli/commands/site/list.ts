/** `secovia site list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { siteColumns } from '../../views/site.js';

export const siteList = defineCommand({
  usage: 'site list',
  summary: 'List the sites',
  examples: ['secovia site list', 'secovia site list --output json'],
  run: (context) =>
    list(context, {
      service: 'SiteService',
      method: 'ListSites',
      request: {},
      key: 'sites',
      rows: (page) => page.sites,
      columns: siteColumns(context.nowMs),
      none: 'there is no site yet. Add one with secovia site create.',
    }),
});
