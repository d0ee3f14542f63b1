/** `secovia host uncordon`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostUncordon = defineCommand({
  usage: 'host uncordon <host...>',
  summary: 'Let new VMs be placed on a host again',
  examples: ['secovia host uncordon sofia-1-a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'UncordonHost',
      done: 'uncordoned host',
      order: (connection, name) => connection.mutate('HostService', 'UncordonHost', { name }),
    }),
});
