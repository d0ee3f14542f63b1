/** `secovia host fence`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, flag, option } from '../../command.js';

interface Options {
  reason?: string;
  yes?: true;
}

export const hostFence = defineCommand<Options>({
  usage: 'host fence <host...>',
  summary: 'Have a host that does not answer powered off by its management controller',
  description:
    'Another agent of its site does it, and reads back that the host is off; then VMs with --on-host-loss restart start on\n' +
    'other hosts. A lost host with such VMs is fenced without this. See how it goes: secovia host show.\n' +
    'A person at a terminal is asked first; a script must say --yes.',
  examples: ['secovia host fence sofia-1-a --reason "its console is frozen" --yes'],
  options: [flag('--yes', 'do not ask'), option('--reason <text>', 'why, in words')],
  async run(context, names, { reason = '', yes }) {
    await changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'FenceHost',
      done: 'ordered the fence of host',
      question: yes
        ? undefined
        : {
            text: (hosts) => `Power off ${hosts}, with whatever runs there?`,
            doing: 'powers off',
            nothing: 'nothing was ordered',
          },
      order: (connection, name) => connection.mutate('HostService', 'FenceHost', { name, reason }),
    });
  },
});
