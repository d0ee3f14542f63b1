/**
 * `secovia residency update`. What a rule allows is one field of the contract, and so is what it forbids; so that countries
 * can be changed and jurisdictions stay, the rule is read, changed, and written if nobody else has written meanwhile.
 */
import type { ResidencyRule__Output } from '../../../proto/gen/secovia/v1/ResidencyRule.js';
import { defineCommand, flag, option } from '../../command.js';
import type { Context } from '../../context.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { changeAsRead, mostAttempts } from '../../overtaking.js';
import {
  noPlaceOptions,
  type PlaceOptions,
  placeOptions,
  placesOf,
  saysPlaces,
} from '../../place-options.js';
import { type Moment, momentMessage, parseMoment } from '../../values/moments.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseRulePriority } from '../../values/words.js';

interface Options extends PlaceOptions {
  legalBasis?: string;
  priority?: number;
  /** False from --no-until, as below. */
  until?: Moment | false;
  startInPlaceUntil?: Moment | false;
  etag?: string;
}

export const residencyUpdate = defineCommand<Options>({
  usage: 'residency update <residency-rule>',
  summary: 'Change what a residency rule allows or forbids, its priority, or its end',
  description:
    'The countries and jurisdictions that are given replace those of their kind that were there.\nVMs that are then ' +
    'where they may not be run on and are in breach: see secovia residency breaches.',
  examples: [
    'secovia residency update gdpr-hr --allow-country HR --allow-country SI --no-allow-jurisdiction',
    'secovia residency update no-al --until 2028-01-01 --start-in-place-until 90d',
  ],
  options: [
    ...placeOptions(),
    ...noPlaceOptions(),
    option('--legal-basis <text>', 'what it follows from, e.g. a law'),
    option('--priority <number>', '0 to 1000, the higher decides', parseRulePriority),
    option('--until <time>', 'it ends then, e.g. 2027-01-31 or 30d', parseMoment),
    flag('--no-until', 'it does not end'),
    option('--start-in-place-until <time>', 'till then VMs in breach by it may start again', parseMoment),
    flag('--no-start-in-place-until', 'they may not start again'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [rule = ''], options) {
    const paths = changedFields(options);
    if (paths.length === 0) {
      throw usageFailure(
        'nothing to change: say for example --allow-country or --until; see secovia residency update --help.',
      );
    }
    const response = await update(context, resourceName('residencyRules', rule), paths, options);
    const name = response.residencyRule?.name ?? '';
    await present(context, {
      service: 'ResidencyService',
      method: 'UpdateResidencyRule',
      response,
      names: [name],
      text: () => `updated residency rule ${shortName(name)}\n`,
    });
  },
});

function changedFields(options: Options): string[] {
  const { legalBasis, priority, until, startInPlaceUntil } = options;
  return [
    ...(saysPlaces(options, 'allow') ? ['allowed'] : []),
    ...(saysPlaces(options, 'forbid') ? ['forbidden'] : []),
    ...(legalBasis === undefined ? [] : ['legal_basis']),
    ...(priority === undefined ? [] : ['priority']),
    ...(until === undefined ? [] : ['valid_until']),
    ...(startInPlaceUntil === undefined ? [] : ['start_in_place_until']),
  ];
}

async function update(context: Context, name: string, paths: string[], options: Options) {
  const connection = await context.connection();
  const mustRead = saysPlaces(options);
  const read = async (): Promise<ResidencyRule__Output | null> =>
    mustRead ? (await connection.call('ResidencyService', 'GetResidencyRule', { name })).residencyRule : null;
  return await changeAsRead(
    read,
    (now) =>
      connection.mutate('ResidencyService', 'UpdateResidencyRule', {
        residencyRule: {
          name,
          allowed: placesOf(options, 'allow', now?.allowed),
          forbidden: placesOf(options, 'forbid', now?.forbidden),
          legalBasis: options.legalBasis ?? '',
          priority: options.priority ?? 0,
          validUntil: momentMessage(options.until, context.nowMs),
          startInPlaceUntil: momentMessage(options.startInPlaceUntil, context.nowMs),
          etag: options.etag ?? now?.etag ?? '',
        },
        updateMask: { paths },
      }),
    mustRead && options.etag === undefined ? mostAttempts : 1,
  );
}
