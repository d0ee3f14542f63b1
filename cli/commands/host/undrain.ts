/** `secovia host undrain`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostUndrain = defineCommand({
  usage: 'host undrain <host...>',
  summary: 'End the drain of a host, and place VMs on it again',
  description: 'What has left does not come back, and what is on its way arrives.',
  examples: ['secovia host undrain sofia-1-a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'UndrainHost',
      done: 'not drained any more, and uncordoned: host',
      order: (connection, name) => connection.mutate('HostService', 'UndrainHost', { name }),
    }),
});
