/** `secovia host revoke`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, flag, option } from '../../command.js';

interface Options {
  reason?: string;
  yes?: true;
}

export const hostRevoke = defineCommand<Options>({
  usage: 'host revoke <host...>',
  summary: "Refuse a host's certificates from now on, and cut its stream",
  description:
    'What runs there runs on, but nobody can order anything there until the host enrols anew, with a new key and a token of\n' +
    'secovia token create. A person at a terminal is asked first; a script must say --yes.',
  examples: ['secovia host revoke sofia-1-a --reason "stolen" --yes'],
  options: [flag('--yes', 'do not ask'), option('--reason <text>', 'why, in words')],
  async run(context, names, { reason = '', yes }) {
    await changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'RevokeHost',
      done: 'revoked the certificates of host',
      question: yes
        ? undefined
        : {
            text: (hosts) => `Revoke the certificates of ${hosts}, and cut its stream?`,
            doing: 'revokes',
            nothing: 'nothing was revoked',
          },
      order: (connection, name) => connection.mutate('HostService', 'RevokeHost', { name, reason }),
    });
  },
});
