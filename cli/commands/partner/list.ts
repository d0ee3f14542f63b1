/** `secovia partner list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { partnerColumns } from '../../views/partner.js';

export const partnerList = defineCommand({
  usage: 'partner list',
  summary: 'List the partners',
  examples: ['secovia partner list'],
  run: (context) =>
    list(context, {
      service: 'PartnerService',
      method: 'ListPartners',
      request: {},
      key: 'partners',
      rows: (page) => page.partners,
      columns: partnerColumns(context.nowMs),
      none: 'there is no partner yet. Add one with secovia partner create, or with its first site.',
    }),
});
