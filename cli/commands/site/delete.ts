/** `secovia site delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const siteDelete = defineCommand<Options>({
  usage: 'site delete <site>',
  summary: 'Take a site without hosts out of the federation',
  examples: ['secovia site delete sofia-1'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'sites',
      service: 'SiteService',
      method: 'DeleteSite',
      done: 'deleted site',
      order: (connection, name) => connection.mutate('SiteService', 'DeleteSite', { name, etag }),
    }),
});
