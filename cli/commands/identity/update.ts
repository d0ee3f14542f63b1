/** `secovia identity update`. */
import { defineCommand, flag, option, repeated } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  title?: string;
  serves?: string[];
  disable?: true;
  enable?: true;
  etag?: string;
}

export const identityUpdate = defineCommand<Options>({
  usage: 'identity update <identity>',
  summary: "Change an identity's title, disable it, or say whom a portal serves",
  description:
    'The administrations that are given replace those that were there. Of who is disabled nothing is accepted from then on,\n' +
    'on connections that are open as well; its certificates are good again when it is enabled.',
  examples: [
    'secovia identity update ana --disable',
    'secovia identity update ana --enable --title "Ana A."',
    'secovia identity update web --serves croatia --serves slovenia',
  ],
  options: [
    option('--title <text>', 'a name for people; "" takes it away'),
    repeated('--serves <administration>', 'of a portal, with those below it', (text) =>
      resourceName('administrations', text),
    ),
    flag('--disable', 'accept nothing of it'),
    flag('--enable', 'accept it again').conflicts('disable'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [word = ''], { title, serves, disable, enable, etag = '' }) {
    const disabled = disable === true ? true : enable === true ? false : undefined;
    const paths = [
      ...(title === undefined ? [] : ['title']),
      ...(serves === undefined ? [] : ['serves']),
      ...(disabled === undefined ? [] : ['disabled']),
    ];
    if (paths.length === 0)
      throw usageFailure('nothing to change: say --title, --serves, --disable or --enable.');
    const connection = await context.connection();
    const response = await connection.mutate('IdentityService', 'UpdateIdentity', {
      identity: {
        name: resourceName('identities', word),
        title: title ?? '',
        serves: serves ?? [],
        disabled: disabled ?? false,
        etag,
      },
      updateMask: { paths },
    });
    const name = response.identity?.name ?? '';
    await present(context, {
      service: 'IdentityService',
      method: 'UpdateIdentity',
      response,
      names: [name],
      text: () => `updated identity ${shortName(name)}\n`,
    });
  },
});
