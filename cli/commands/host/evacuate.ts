/** `secovia host evacuate`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostEvacuate = defineCommand({
  usage: 'host evacuate <host...>',
  summary: 'Restart the VMs of a fenced host elsewhere at once',
  description:
    'They leave a fenced host without this, at a pace; slowly when many hosts of a site were lost together, since that is\n' +
    'seldom what it looks like. Of a VM that stays, secovia vm show says why.',
  examples: ['secovia host evacuate sofia-1-a'],
  options: [],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'EvacuateHost',
      done: 'lets VMs go at once: host',
      order: (connection, name) => connection.mutate('HostService', 'EvacuateHost', { name }),
    }),
});
