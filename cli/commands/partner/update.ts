/** `secovia partner update`. */
import { defineCommand, flag, option, repeated } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  title?: string;
  /** False from --no-administration. */
  administration?: string[] | false;
  open?: boolean;
  etag?: string;
}

export const partnerUpdate = defineCommand<Options>({
  usage: 'partner update <partner>',
  summary: "Change a partner's title, its own administrations, or whether it is open",
  description:
    'The administrations that are given replace those that were there.\nVMs that may not be on its sites any more run ' +
    'on and are in breach: see secovia residency breaches.',
  examples: [
    'secovia partner update acme --open',
    'secovia partner update arnes --administration ljubljana --administration celje',
    'secovia partner update arnes --no-administration',
  ],
  options: [
    option('--title <text>', 'a name for people; "" takes it away'),
    repeated('--administration <administration>', 'its own, with those below it', (text) =>
      resourceName('administrations', text),
    ),
    flag('--no-administration', 'all administrations of its country are its own'),
    flag('--open', 'its sites serve everybody, without agreements'),
    flag('--no-open', 'they serve its own, and others under agreements'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [partner = ''], { title, administration, open, etag = '' }) {
    const administrations = administration === false ? [] : administration;
    const paths = [
      ...(title === undefined ? [] : ['title']),
      ...(administrations === undefined ? [] : ['administrations']),
      ...(open === undefined ? [] : ['open']),
    ];
    if (paths.length === 0)
      throw usageFailure('nothing to change: say --title, --administration, --open or --no-open.');
    const connection = await context.connection();
    const response = await connection.mutate('PartnerService', 'UpdatePartner', {
      partner: {
        name: resourceName('partners', partner),
        title: title ?? '',
        administrations: administrations ?? [],
        open: open ?? false,
        etag,
      },
      updateMask: { paths },
    });
    const name = response.partner?.name ?? '';
    await present(context, {
      service: 'PartnerService',
      method: 'UpdatePartner',
      response,
      names: [name],
      text: () => `updated partner ${shortName(name)}\n`,
    });
  },
});
