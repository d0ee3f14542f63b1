/** `secovia token list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { joinTokenColumns } from '../../views/join-token.js';

export const tokenList = defineCommand({
  usage: 'token list',
  summary: 'List the tokens with which hosts can still join',
  description: 'The words themselves are kept nowhere, and cannot be shown again.',
  examples: ['secovia token list'],
  run: (context) =>
    list(context, {
      service: 'JoinTokenService',
      method: 'ListJoinTokens',
      request: {},
      key: 'joinTokens',
      rows: (page) => page.joinTokens,
      columns: joinTokenColumns(context.nowMs),
      none: 'there is no token with which a host could join. Make one with secovia token create.',
    }),
});
