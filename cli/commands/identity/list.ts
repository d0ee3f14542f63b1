/** `secovia identity list`. */
import { defineCommand, option } from '../../command.js';
import { list } from '../../output/present.js';
import { identityColumns } from '../../views/identity.js';

interface Options {
  filter?: string;
}

export const identityList = defineCommand<Options>({
  usage: 'identity list',
  summary: 'List who may call, as far as you may know',
  examples: [
    'secovia identity list',
    "secovia identity list --filter 'role = AUDITOR'",
    'secovia identity list --filter \'partner = "partners/acme" AND disabled = true\'',
  ],
  options: [option('--filter <filter>', 'by name, role, partner, administration, disabled')],
  run: (context, _args, { filter = '' }) =>
    list(context, {
      service: 'IdentityService',
      method: 'ListIdentities',
      request: { filter },
      key: 'identities',
      rows: (page) => page.identities,
      columns: identityColumns(context.nowMs),
      none: filter === '' ? 'there is no identity that you see.' : 'no identity matches.',
    }),
});
