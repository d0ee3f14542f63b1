/** `secovia federation end-recovery`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { federationSheet } from '../../views/federation.js';

export const federationEndRecovery = defineCommand({
  usage: 'federation end-recovery <site>',
  summary: 'End recovery on a site, after you have looked',
  description:
    'A site recovers when the journal stands behind what its agents have seen, for example after a restore.\n' +
    'From then on what its agents hold counts. Look first: secovia federation show.',
  examples: ['secovia federation end-recovery sofia-1'],
  async run(context, [site = '']) {
    const name = resourceName('sites', site);
    const connection = await context.connection();
    const response = await connection.mutate('FederationService', 'EndRecovery', { site: name });
    const { federation } = response;
    await present(context, {
      service: 'FederationService',
      method: 'EndRecovery',
      response,
      names: [name],
      text: () =>
        `ended recovery on site ${shortName(name)}\n` +
        (federation === null ? '' : federationSheet(federation, context.nowMs, context.paint)),
    });
  },
});
