/** `secovia host drain-pause`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostDrainPause = defineCommand({
  usage: 'host drain-pause <host...>',
  summary: 'Let no further VM leave a host that is drained',
  description: 'Those on their way arrive. Nothing new is placed on the host meanwhile.',
  examples: ['secovia host drain-pause sofia-1-a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'PauseDrain',
      done: 'paused the drain of host',
      order: (connection, name) => connection.mutate('HostService', 'PauseDrain', { name }),
    }),
});
