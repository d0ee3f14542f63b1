/** `secovia federation end-recovery`. */
import { defineCommand, flag } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { federationSheet } from '../../views/federation.js';

interface Options {
  force?: true;
}

export const federationEndRecovery = defineCommand<Options>({
  usage: 'federation end-recovery <site>',
  summary: 'End recovery on a site, after you have looked',
  description:
    'A site recovers when the journal stands behind what its agents have seen, for example after a restore.\n' +
    'From then on what its agents hold counts. Look first: secovia federation show, and secovia host list. ' +
    'While a host of the site is not ready nobody knows what it runs, and the same VM may be started elsewhere: this is refused then.',
  examples: ['secovia federation end-recovery sofia-1', 'secovia federation end-recovery sofia-1 --force'],
  options: [flag('--force', 'although hosts are not ready: you have seen that they are off')],
  async run(context, [site = ''], { force = false }) {
    const name = resourceName('sites', site);
    const connection = await context.connection();
    const response = await connection.mutate('FederationService', 'EndRecovery', { site: name, force });
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
