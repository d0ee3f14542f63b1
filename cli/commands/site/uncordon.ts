/** `secovia site uncordon`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const siteUncordon = defineCommand({
  usage: 'site uncordon <site...>',
  summary: 'Let new VMs be placed on a site again',
  examples: ['secovia site uncordon sofia-1'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'sites',
      service: 'SiteService',
      method: 'UncordonSite',
      done: 'uncordoned site',
      order: (connection, name) => connection.mutate('SiteService', 'UncordonSite', { name }),
    }),
});
