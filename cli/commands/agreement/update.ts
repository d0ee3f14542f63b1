/**
 * `secovia agreement update`. Limit, reserve and price are single fields of the contract, replaced as a whole; so that one
 * amount can be changed, the agreement is read, changed, and written if nobody else has written meanwhile.
 */
import type { Agreement__Output } from '../../../proto/gen/secovia/v1/Agreement.js';
import { priceOf, saysPrice, type TermOptions, termOptions } from '../../agreement-options.js';
import { defineCommand, flag, option } from '../../command.js';
import type { Context } from '../../context.js';
import { usageFailure } from '../../failure.js';
import { limitOptions, limitsOf, reserveOf, reserveOptions, saysLimits } from '../../limit-options.js';
import { present } from '../../output/present.js';
import { changeAsRead, mostAttempts } from '../../overtaking.js';
import { momentMessage } from '../../values/moments.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options extends TermOptions {
  etag?: string;
}

export const agreementUpdate = defineCommand<Options>({
  usage: 'agreement update <agreement>',
  summary: "Change an agreement's limits, reserve, prices, end or notice",
  description: 'What is not named stays as it is. A limit below what is used blocks growth alone.',
  examples: [
    'secovia agreement update acme-osijek --vcpus 128 --until 2029-01-01',
    'secovia agreement update acme-osijek --price-vcpu-hour 0.011 --no-limit-percent --reserve-memory 1TiB',
  ],
  options: [
    ...limitOptions('use at most'),
    ...reserveOptions(),
    ...termOptions(),
    flag('--no-limit-percent', 'no share'),
    flag('--no-until', 'it does not expire'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [agreement = ''], options) {
    const paths = changedFields(options);
    if (paths.length === 0) {
      throw usageFailure(
        'nothing to change: say for example --vcpus or --until; see secovia agreement update --help.',
      );
    }
    const response = await update(context, resourceName('agreements', agreement), paths, options);
    const name = response.agreement?.name ?? '';
    await present(context, {
      service: 'AgreementService',
      method: 'UpdateAgreement',
      response,
      names: [name],
      text: () => `updated agreement ${shortName(name)}\n`,
    });
  },
});

function changedFields(options: Options): string[] {
  return [
    ...(options.title === undefined ? [] : ['title']),
    ...(saysLimits(options) ? ['limit'] : []),
    ...(options.limitPercent === undefined ? [] : ['limit_percent']),
    ...(saysLimits(reserveOf(options)) ? ['reserve'] : []),
    ...(saysPrice(options) ? ['price'] : []),
    ...(options.until === undefined ? [] : ['valid_until']),
    ...(options.notice === undefined ? [] : ['notice_days']),
  ];
}

async function update(context: Context, name: string, paths: string[], options: Options) {
  const connection = await context.connection();
  const mustRead = paths.some((path) => ['limit', 'reserve', 'price'].includes(path));
  const read = async (): Promise<Agreement__Output | null> =>
    mustRead ? (await connection.call('AgreementService', 'GetAgreement', { name })).agreement : null;
  return await changeAsRead(
    read,
    (now) =>
      connection.mutate('AgreementService', 'UpdateAgreement', {
        agreement: {
          name,
          title: options.title ?? '',
          limit: limitsOf(options, now?.limit),
          limitPercent: options.limitPercent || 0,
          reserve: limitsOf(reserveOf(options), now?.reserve),
          price: priceOf(options, now?.price),
          validUntil: momentMessage(options.until, context.nowMs),
          noticeDays: options.notice ?? 0,
          etag: options.etag ?? now?.etag ?? '',
        },
        updateMask: { paths },
      }),
    mustRead && options.etag === undefined ? mostAttempts : 1,
  );
}
