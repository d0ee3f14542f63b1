/** `secovia residency delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const residencyDelete = defineCommand<Options>({
  usage: 'residency delete <residency-rule>',
  summary: 'Delete a residency rule',
  description: 'VMs that are lawful by it alone are then in breach: see secovia residency breaches.',
  examples: ['secovia residency delete gdpr-hr'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'residencyRules',
      service: 'ResidencyService',
      method: 'DeleteResidencyRule',
      done: 'deleted residency rule',
      order: (connection, name) =>
        connection.mutate('ResidencyService', 'DeleteResidencyRule', { name, etag }),
    }),
});
