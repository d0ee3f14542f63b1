/** `secovia administration move`. */
import { defineCommand, flag, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  parent?: string;
  root?: true;
  etag?: string;
}

export const administrationMove = defineCommand<Options>({
  usage: 'administration move <administration>',
  summary: 'Hang an administration, with all below it, under another one',
  description: 'Refused when what its VMs hold would exceed a quota there.',
  examples: [
    'secovia administration move plovdiv --parent south-central',
    'secovia administration move plovdiv --root',
  ],
  options: [
    option('--parent <administration>', 'above it from now on', (text) =>
      resourceName('administrations', text),
    ).conflicts('root'),
    flag('--root', 'nothing above it').conflicts('parent'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [administration = ''], { parent, root, etag = '' }) {
    if (parent === undefined && root === undefined)
      throw usageFailure('move it where? Say --parent or --root.');
    const connection = await context.connection();
    const response = await connection.mutate('AdministrationService', 'MoveAdministration', {
      name: resourceName('administrations', administration),
      parent: parent ?? '',
      etag,
    });
    const name = response.administration?.name ?? '';
    const where = parent === undefined ? 'to the top' : `under ${shortName(parent)}`;
    await present(context, {
      service: 'AdministrationService',
      method: 'MoveAdministration',
      response,
      names: [name],
      text: () => `moved administration ${shortName(name)} ${where}\n`,
    });
  },
});
