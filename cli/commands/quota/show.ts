/** `secovia quota show`: how full the quotas of a subtree are. */
import type { Administration__Output } from '../../../proto/gen/secovia/v1/Administration.js';
import type { Quota__Output } from '../../../proto/gen/secovia/v1/Quota.js';
import { defineCommand } from '../../command.js';
import { list, pages } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { quotaColumns } from '../../views/quota.js';
import { quotaBars } from '../../views/quota-bars.js';

export const quotaShow = defineCommand({
  usage: 'quota show <administration>',
  summary: 'Draw how full the quotas of an administration and of those below it are',
  description:
    'A bar stands for what is allowed: the limit, with what was borrowed and without what was lent. Where more is used ' +
    'than that, the bar stands for what is used, and what is above the limit is drawn as !.',
  examples: ['secovia quota show osijek', 'secovia quota show croatia --output json'],
  async run(context, [administration = '']) {
    const parent = resourceName('administrations', administration);
    const none = `neither ${shortName(parent)} nor any administration below it has a quota.`;
    const request = { parent, subtree: true };
    if (context.format !== 'table') {
      await list(context, {
        service: 'QuotaService',
        method: 'ListQuotas',
        request,
        key: 'quotas',
        rows: (page) => page.quotas,
        columns: quotaColumns(),
        none,
      });
      return;
    }
    const quotas: Quota__Output[] = [];
    for await (const page of pages(context, 'QuotaService', 'ListQuotas', request))
      quotas.push(...page.quotas);
    if (quotas.length === 0) return context.say(none);
    const administrations: Administration__Output[] = [];
    for await (const page of pages(context, 'AdministrationService', 'ListAdministrations', {}))
      administrations.push(...page.administrations);
    const columns = context.world.stdout.columns || 80;
    await context.out.write(quotaBars(quotas, administrations, parent, columns, context.paint));
  },
});
