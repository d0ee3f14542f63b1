/** `secovia site cordon`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const siteCordon = defineCommand({
  usage: 'site cordon <site...>',
  summary: 'Place nothing new on any host of a site',
  description: 'What runs there runs on.',
  examples: ['secovia site cordon sofia-1'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'sites',
      service: 'SiteService',
      method: 'CordonSite',
      done: 'cordoned site',
      order: (connection, name) => connection.mutate('SiteService', 'CordonSite', { name }),
    }),
});
