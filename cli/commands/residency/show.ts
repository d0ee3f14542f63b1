/** `secovia residency show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { ruleSheet } from '../../views/residency.js';

export const residencyShow = defineCommand({
  usage: 'residency show <residency-rule>',
  summary: 'Show a residency rule',
  examples: ['secovia residency show gdpr-hr'],
  async run(context, [word = '']) {
    const connection = await context.connection();
    const response = await connection.call('ResidencyService', 'GetResidencyRule', {
      name: resourceName('residencyRules', word),
    });
    const found = response.residencyRule;
    await present(context, {
      service: 'ResidencyService',
      method: 'GetResidencyRule',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : ruleSheet(found, context.nowMs, context.paint)),
    });
  },
});
