/** `secovia token delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const tokenDelete = defineCommand({
  usage: 'token delete <token...>',
  summary: 'Take tokens back, so that no host joins with them any more',
  description:
    'Hosts that have joined stay. The argument is the name that secovia token list shows, not the word itself.',
  examples: ['secovia token delete t0b4c6d8e9f1a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'joinTokens',
      service: 'JoinTokenService',
      method: 'DeleteJoinToken',
      done: 'deleted join token',
      order: (connection, name) => connection.mutate('JoinTokenService', 'DeleteJoinToken', { name }),
    }),
});
