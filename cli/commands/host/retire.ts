/** `secovia host retire`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const hostRetire = defineCommand<Options>({
  usage: 'host retire <host>',
  summary: 'Take a host without VMs out of the federation for good',
  description: 'Its agent and its certificates are refused from then on, until it joins anew with a token.',
  examples: ['secovia host retire sofia-1-a'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'RetireHost',
      done: 'retired host',
      order: (connection, name) => connection.mutate('HostService', 'RetireHost', { name, etag }),
    }),
});
