/** `secovia agreement create`. */
import { priceOf, type TermOptions, termOptions } from '../../agreement-options.js';
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { limitsOf, newLimitOptions, newReserveOptions, reserveOf } from '../../limit-options.js';
import { present } from '../../output/present.js';
import { type Moment, momentMessage, parseMoment } from '../../values/moments.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options extends TermOptions {
  partner: string;
  forPartner?: string;
  forAdministration?: string;
  from?: Moment;
}

export const agreementCreate = defineCommand<Options>({
  usage: 'agreement create <name>',
  summary: "Let others use a partner's sites",
  description:
    'Those who benefit are the own administrations of another partner, or an administration and those below it. What ' +
    'is reserved VMs of others leave to the own administrations of the partner, under all its agreements together. A ' +
    'price that is not said is 0.',
  examples: [
    'secovia agreement create acme-osijek --partner acme --for-administration osijek --vcpus 64 --memory 256GiB \\',
    '    --until 2028-01-01 --notice 90d --currency EUR --price-vcpu-hour 0.012 --price-memory-gib-hour 0.0016',
    'secovia agreement create acme-arnes --partner acme --for-partner arnes --limit-percent 20% --reserve-vcpus 128',
  ],
  options: [
    option('--partner <partner>', 'whose sites may be used', (text) =>
      resourceName('partners', text),
    ).makeOptionMandatory(),
    option('--for-partner <partner>', 'for the own administrations of that partner', (text) =>
      resourceName('partners', text),
    ).conflicts('forAdministration'),
    option('--for-administration <administration>', 'for it and for those below it', (text) =>
      resourceName('administrations', text),
    ).conflicts('forPartner'),
    ...newLimitOptions('use at most'),
    ...newReserveOptions(),
    option('--from <time>', 'it begins then (default: at once)', parseMoment),
    ...termOptions(),
  ],
  async run(context, [id = ''], options) {
    const { partner, forPartner, forAdministration, limitPercent, until, notice = 0, title = '' } = options;
    if (forPartner === undefined && forAdministration === undefined)
      throw usageFailure('for whom? Say --for-partner or --for-administration.');
    const connection = await context.connection();
    const response = await connection.mutate('AgreementService', 'CreateAgreement', {
      agreementId: shortName(resourceName('agreements', id)),
      agreement: {
        title,
        partner,
        ...(forPartner === undefined ? {} : { beneficiaryPartner: forPartner }),
        ...(forAdministration === undefined ? {} : { beneficiaryAdministration: forAdministration }),
        limit: limitsOf(options),
        limitPercent: limitPercent || 0,
        reserve: limitsOf(reserveOf(options)),
        price: priceOf(options),
        validFrom: momentMessage(options.from, context.nowMs),
        validUntil: momentMessage(until, context.nowMs),
        noticeDays: notice,
      },
    });
    const name = response.agreement?.name ?? '';
    await present(context, {
      service: 'AgreementService',
      method: 'CreateAgreement',
      response,
      names: [name],
      text: () => `created agreement ${shortName(name)}\n`,
    });
  },
});
