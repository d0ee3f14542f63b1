/** `secovia agreement delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const agreementDelete = defineCommand<Options>({
  usage: 'agreement delete <agreement>',
  summary: 'Delete an agreement under which there are no VMs',
  examples: ['secovia agreement delete acme-osijek'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'agreements',
      service: 'AgreementService',
      method: 'DeleteAgreement',
      done: 'deleted agreement',
      order: (connection, name) => connection.mutate('AgreementService', 'DeleteAgreement', { name, etag }),
    }),
});
