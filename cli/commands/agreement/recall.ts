/** `secovia agreement recall`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const agreementRecall = defineCommand<Options>({
  usage: 'agreement recall <agreement>',
  summary: 'Place nothing new under an agreement, and give what is there its notice',
  description:
    'VMs may stay until the notice has run out. It cannot be taken back: make a new agreement instead.',
  examples: ['secovia agreement recall acme-osijek'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'agreements',
      service: 'AgreementService',
      method: 'RecallAgreement',
      done: 'recalled agreement',
      order: (connection, name) => connection.mutate('AgreementService', 'RecallAgreement', { name, etag }),
    }),
});
