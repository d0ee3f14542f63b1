/** `secovia residency create`. */
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { type PlaceOptions, placeOptions, placesOf, saysPlaces } from '../../place-options.js';
import { type Moment, momentMessage, parseMoment } from '../../values/moments.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseRulePriority } from '../../values/words.js';

interface Options extends PlaceOptions {
  dataClass: string;
  administration?: string;
  legalBasis: string;
  priority?: number;
  from?: Moment;
  until?: Moment;
  startInPlaceUntil?: Moment;
}

export const residencyCreate = defineCommand<Options>({
  usage: 'residency create <name>',
  summary: 'Say where data of a class may be, and where not',
  description:
    'Of the rules in force, those of the highest priority that say something about a site decide. A rule forbids what ' +
    'is forbidden by name; when it allows places by name, it forbids all others. VMs that are then where they may not be ' +
    'run on and are in breach: see secovia residency breaches.',
  examples: [
    'secovia residency create gdpr-hr --data-class personal --administration croatia --allow-jurisdiction EU \\',
    '    --legal-basis "GDPR, Art. 44" --priority 100',
    'secovia residency create no-al --data-class special --forbid-country AL --legal-basis "Act 12/2026" \\',
    '    --from 2027-01-01 --start-in-place-until 2027-07-01',
  ],
  options: [
    option('--data-class <class>', 'whose data it is about', (text) =>
      resourceName('dataClasses', text),
    ).makeOptionMandatory(),
    option('--administration <administration>', 'of it and of those below it (default: of all)', (text) =>
      resourceName('administrations', text),
    ),
    ...placeOptions(),
    option('--legal-basis <text>', 'what it follows from, e.g. a law').makeOptionMandatory(),
    option('--priority <number>', '0 to 1000, the higher decides (default: 0)', parseRulePriority),
    option('--from <time>', 'e.g. 2027-01-31 or 30d (default: at once)', parseMoment),
    option('--until <time>', 'it ends then (default: never)', parseMoment),
    option('--start-in-place-until <time>', 'till then VMs in breach by it may start again', parseMoment),
  ],
  async run(context, [id = ''], options) {
    if (!saysPlaces(options))
      throw usageFailure('which places? Say for example --allow-country HR, or --forbid-jurisdiction US.');
    const { nowMs } = context;
    const connection = await context.connection();
    const response = await connection.mutate('ResidencyService', 'CreateResidencyRule', {
      residencyRuleId: shortName(resourceName('residencyRules', id)),
      residencyRule: {
        dataClass: options.dataClass,
        administration: options.administration ?? '',
        allowed: placesOf(options, 'allow'),
        forbidden: placesOf(options, 'forbid'),
        legalBasis: options.legalBasis,
        priority: options.priority ?? 0,
        validFrom: momentMessage(options.from, nowMs),
        validUntil: momentMessage(options.until, nowMs),
        startInPlaceUntil: momentMessage(options.startInPlaceUntil, nowMs),
      },
    });
    const name = response.residencyRule?.name ?? '';
    await present(context, {
      service: 'ResidencyService',
      method: 'CreateResidencyRule',
      response,
      names: [name],
      text: () => `created residency rule ${shortName(name)}\n`,
    });
  },
});
