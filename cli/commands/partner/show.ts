/** `secovia partner show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { partnerSheet } from '../../views/partner.js';

export const partnerShow = defineCommand({
  usage: 'partner show <partner>',
  summary: 'Show a partner, and how much of it others use',
  examples: ['secovia partner show acme'],
  async run(context, [word = '']) {
    const connection = await context.connection();
    const response = await connection.call('PartnerService', 'GetPartner', {
      name: resourceName('partners', word),
    });
    const found = response.partner;
    await present(context, {
      service: 'PartnerService',
      method: 'GetPartner',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : partnerSheet(found, context.nowMs, context.paint)),
    });
  },
});
