/** `secovia host cordon`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostCordon = defineCommand({
  usage: 'host cordon <host...>',
  summary: 'Place nothing new on a host',
  description: 'What runs there runs on.',
  examples: ['secovia host cordon sofia-1-a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'CordonHost',
      done: 'cordoned host',
      order: (connection, name) => connection.mutate('HostService', 'CordonHost', { name }),
    }),
});
