/** `secovia host fence-confirm`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, flag, option } from '../../command.js';
import { usageFailure } from '../../failure.js';

interface Options {
  reason?: string;
  yes?: true;
}

export const hostFenceConfirm = defineCommand<Options>({
  usage: 'host fence-confirm <host...>',
  summary: 'Give your word that a lost host is off, so that its VMs may restart elsewhere',
  description:
    'Where no management controller can prove it, somebody has to have looked: pulled its plug, or seen it dead. If it is not\n' +
    'true, VMs run twice and destroy their data. Your word is kept in the journal, with --reason.\n' +
    'A person at a terminal is asked first; a script must say --yes.',
  examples: ['secovia host fence-confirm sofia-1-a --reason "Ana has pulled both plugs" --yes'],
  options: [flag('--yes', 'do not ask'), option('--reason <text>', 'how it is known; must be said')],
  async run(context, names, { reason = '', yes }) {
    if (reason.trim() === '') throw usageFailure('say with --reason how it is known that the host is off.');
    await changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'ConfirmFence',
      done: 'from now on taken to be off: host',
      question: yes
        ? undefined
        : {
            text: (hosts) => `Is ${hosts} certainly off? If not, VMs run twice.`,
            doing: 'takes as off',
            nothing: 'nothing was changed',
          },
      order: (connection, name) => connection.mutate('HostService', 'ConfirmFence', { name, reason }),
    });
  },
});
