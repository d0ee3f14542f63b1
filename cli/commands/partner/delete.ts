/** `secovia partner delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const partnerDelete = defineCommand<Options>({
  usage: 'partner delete <partner>',
  summary: 'Delete a partner without sites and without agreements',
  examples: ['secovia partner delete acme'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'partners',
      service: 'PartnerService',
      method: 'DeletePartner',
      done: 'deleted partner',
      order: (connection, name) => connection.mutate('PartnerService', 'DeletePartner', { name, etag }),
    }),
});
