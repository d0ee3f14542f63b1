/** `secovia host release`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostRelease = defineCommand({
  usage: 'host release <host...>',
  summary: 'End a quarantine, after somebody has looked',
  description: 'Where two machines had the identity of one host, take the wrong one off the network first.',
  examples: ['secovia host release sofia-1-a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'ReleaseHost',
      done: 'released host',
      order: (connection, name) => connection.mutate('HostService', 'ReleaseHost', { name }),
    }),
});
