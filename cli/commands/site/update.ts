/** `secovia site update`. */
import { defineCommand, flag, option, repeated } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { type RoomOptions, roomOptions } from '../../site-options.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options extends RoomOptions {
  title?: string;
  /** False from --no-jurisdiction. */
  jurisdiction?: string[] | false;
  etag?: string;
}

export const siteUpdate = defineCommand<Options>({
  usage: 'site update <site>',
  summary: "Change a site's title, jurisdictions, overcommit, failover room or price",
  description:
    'The jurisdictions that are given replace those that were there.\nVMs that are on the site already stay, whatever changes.',
  examples: [
    'secovia site update sofia-1 --jurisdiction EU --jurisdiction EEA',
    'secovia site update sofia-1 --vcpu-overcommit 400% --keep-failover-room',
  ],
  options: [
    option('--title <text>', 'a name for people; "" takes it away'),
    repeated('--jurisdiction <jurisdiction>', 'whose law holds there', (text) => text),
    flag('--no-jurisdiction', 'no jurisdiction at all'),
    ...roomOptions(),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [site = ''], options) {
    const { title, jurisdiction, vcpuOvercommit, keepFailoverRoom, priceTier, etag = '' } = options;
    const jurisdictions = jurisdiction === false ? [] : jurisdiction;
    const paths = [
      ...(title === undefined ? [] : ['title']),
      ...(jurisdictions === undefined ? [] : ['jurisdictions']),
      ...(vcpuOvercommit === undefined ? [] : ['vcpu_overcommit_percent']),
      ...(keepFailoverRoom === undefined ? [] : ['keep_failover_room']),
      ...(priceTier === undefined ? [] : ['price_tier']),
    ];
    if (paths.length === 0) {
      throw usageFailure(
        'nothing to change: say --title, --jurisdiction, --vcpu-overcommit, --keep-failover-room or --price-tier.',
      );
    }
    const connection = await context.connection();
    const response = await connection.mutate('SiteService', 'UpdateSite', {
      site: {
        name: resourceName('sites', site),
        title: title ?? '',
        jurisdictions: jurisdictions ?? [],
        vcpuOvercommitPercent: vcpuOvercommit ?? 0,
        keepFailoverRoom: keepFailoverRoom ?? false,
        priceTier: priceTier ?? 0,
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
