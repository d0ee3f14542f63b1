/** `secovia site update`. */
import { defineCommand, flag, option, repeated } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  title?: string;
  /** False from --no-jurisdiction. */
  jurisdiction?: string[] | false;
  etag?: string;
}

export const siteUpdate = defineCommand<Options>({
  usage: 'site update <site>',
  summary: "Change a site's title or jurisdictions",
  description: 'The jurisdictions that are given replace those that were there.',
  examples: ['secovia site update sofia-1 --jurisdiction EU --jurisdiction EEA'],
  options: [
    option('--title <text>', 'a name for people; "" takes it away'),
    repeated('--jurisdiction <word>', 'whose law holds there', (text) => text),
    flag('--no-jurisdiction', 'no jurisdiction at all'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [site = ''], { title, jurisdiction, etag = '' }) {
    const jurisdictions = jurisdiction === false ? [] : jurisdiction;
    const paths = [
      ...(title === undefined ? [] : ['title']),
      ...(jurisdictions === undefined ? [] : ['jurisdictions']),
    ];
    if (paths.length === 0) throw usageFailure('nothing to change: say --title or --jurisdiction.');
    const connection = await context.connection();
    const response = await connection.mutate('SiteService', 'UpdateSite', {
      site: {
        name: resourceName('sites', site),
        title: title ?? '',
        jurisdictions: jurisdictions ?? [],
        etag,
      },
      updateMask: { paths },
    });
    await present(context, {
      service: 'SiteService',
      method: 'UpdateSite',
      response,
      names: [response.site?.name ?? ''],
      text: () => `updated site ${shortName(response.site?.name ?? '')}\n`,
    });
  },
});
