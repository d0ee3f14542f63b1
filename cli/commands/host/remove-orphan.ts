/** `secovia host remove-orphan`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, flag, option } from '../../command.js';
import { usageFailure } from '../../failure.js';

interface Options {
  orphan?: string;
  yes?: true;
}

export const hostRemoveOrphan = defineCommand<Options>({
  usage: 'host remove-orphan <host>',
  summary: 'Take away from a host what it has of a VM that nobody knows',
  description:
    'secovia host show lists the orphans; secovia host adopt-orphan makes one a VM again. Here the domain is destroyed, and its\n' +
    'volume goes to the trash, which the agent empties after a day. One in a shared pool stays while another host of the pool has\n' +
    'told of the same VM, or is not heard. A person at a terminal is asked first; a script must say --yes.',
  examples: ['secovia host remove-orphan sofia-1-a --orphan 6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11 --yes'],
  options: [option('--orphan <uuid>', 'which one; must be said'), flag('--yes', 'do not ask')],
  async run(context, names, { orphan = '', yes }) {
    if (orphan === '')
      throw usageFailure('say with --orphan which one: its UUID, as secovia host show has it.');
    await changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'RemoveOrphan',
      done: `ordered that ${orphan} be taken away from host`,
      question: yes
        ? undefined
        : {
            text: () => `Destroy what the host has of ${orphan}?`,
            doing: 'destroys',
            nothing: 'nothing was destroyed',
          },
      order: (connection, name) => connection.mutate('HostService', 'RemoveOrphan', { name, orphan }),
    });
  },
});
