/** `secovia agreement show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { agreementSheet } from '../../views/agreement.js';

export const agreementShow = defineCommand({
  usage: 'agreement show <agreement>',
  summary: 'Show an agreement, and what is used under it',
  examples: ['secovia agreement show acme-osijek'],
  async run(context, [word = '']) {
    const connection = await context.connection();
    const response = await connection.call('AgreementService', 'GetAgreement', {
      name: resourceName('agreements', word),
    });
    const found = response.agreement;
    await present(context, {
      service: 'AgreementService',
      method: 'GetAgreement',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : agreementSheet(found, context.nowMs, context.paint)),
    });
  },
});
