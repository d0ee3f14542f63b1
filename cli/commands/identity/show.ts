/** `secovia identity show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { identitySheet } from '../../views/identity.js';

export const identityShow = defineCommand({
  usage: 'identity show <identity>',
  summary: 'Show an identity, and its certificates',
  examples: ['secovia identity show ana'],
  async run(context, [word = '']) {
    const connection = await context.connection();
    const response = await connection.call('IdentityService', 'GetIdentity', {
      name: resourceName('identities', word),
    });
    const found = response.identity;
    await present(context, {
      service: 'IdentityService',
      method: 'GetIdentity',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : identitySheet(found, context.nowMs, context.paint)),
    });
  },
});
