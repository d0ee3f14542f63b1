/** `secovia federation show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { federationSheet } from '../../views/federation.js';

export const federationShow = defineCommand({
  usage: 'federation show',
  summary: 'Show the federation: its scheduler, its size, and whether a site is being recovered',
  examples: ['secovia federation show'],
  async run(context) {
    const connection = await context.connection();
    const response = await connection.call('FederationService', 'GetFederation', {});
    const { federation } = response;
    await present(context, {
      service: 'FederationService',
      method: 'GetFederation',
      response,
      names: [federation?.title ?? ''],
      text: () => (federation === null ? '' : federationSheet(federation, context.nowMs, context.paint)),
    });
  },
});
