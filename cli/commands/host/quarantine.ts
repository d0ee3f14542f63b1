/** `secovia host quarantine`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  reason?: string;
}

export const hostQuarantine = defineCommand<Options>({
  usage: 'host quarantine <host...>',
  summary: 'Place nothing on a host that may not be what it says',
  description: 'What runs there runs on, and the host keeps its lease, until secovia host release.',
  examples: ['secovia host quarantine sofia-1-a --reason "its disks were copied"'],
  options: [option('--reason <text>', 'why, in words')],
  run: (context, names, { reason = '' }) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'QuarantineHost',
      done: 'quarantined host',
      order: (connection, name) => connection.mutate('HostService', 'QuarantineHost', { name, reason }),
    }),
});
