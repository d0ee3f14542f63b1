/** `secovia host retire`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, flag, option } from '../../command.js';

interface Options {
  destroyed?: true;
  yes?: true;
  etag?: string;
}

export const hostRetire = defineCommand<Options>({
  usage: 'host retire <host>',
  summary: 'Take a host without VMs out of the federation for good',
  description:
    'Its agent and its certificates are refused from then on, until it joins anew with a token. It leaves its storage pools.\n' +
    'One that is gone for good, and said to be off, is taken out with --destroyed: VMs whose disk is on a shared pool, or that\n' +
    'may begin anew from their image, get another host; a VM whose only disk was there has lost it, and says so. A person at a\n' +
    'terminal is asked first; a script must say --yes.',
  examples: ['secovia host retire sofia-1-a', 'secovia host retire sofia-1-a --destroyed --yes'],
  options: [
    flag('--destroyed', 'it will never be back, nor what it had'),
    flag('--yes', 'do not ask'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  run: (context, names, { etag = '', destroyed = false, yes }) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'RetireHost',
      done: 'retired host',
      question:
        !destroyed || yes
          ? undefined
          : {
              text: (hosts) =>
                `Is ${hosts} certainly gone for good, with its disks? VMs that have only those lose them.`,
              doing: 'gives up',
              nothing: 'nothing was changed',
            },
      order: (connection, name) => connection.mutate('HostService', 'RetireHost', { name, etag, destroyed }),
    }),
});
