/**
 * `secovia quota set`. The contract replaces the limits of a quota as a whole; so that one of them can be changed, they are
 * read, changed, and written on the condition that nobody else has written meanwhile.
 */
import type { Quota__Output } from '../../../proto/gen/secovia/v1/Quota.js';
import { CallFailure } from '../../client/call-failure.js';
import type { Connection } from '../../client/connection.js';
import { defineCommand, option } from '../../command.js';
import { exitCodes, usageFailure } from '../../failure.js';
import { type LimitOptions, limitOptions, limitsOf, saysLimits, scopeOptions } from '../../limit-options.js';
import { present } from '../../output/present.js';
import { changeAsRead, mostAttempts } from '../../overtaking.js';
import { formatLimits } from '../../values/limits.js';
import { resourceName, shortName } from '../../values/names.js';
import { type ScopeOptions, scopeKeyOf, scopeOf, scopeWords } from '../../values/scopes.js';

interface Options extends LimitOptions, ScopeOptions {
  etag?: string;
}

export const quotaSet = defineCommand<Options>({
  usage: 'quota set <administration>',
  summary: 'Limit what an administration and those below it may use',
  description:
    'Limits that are not named stay as they are. A limit below what is used is allowed: what is there runs on, and ' +
    'nothing more is given.',
  examples: [
    'secovia quota set osijek --vcpus 64 --memory 128GiB --disk 2TiB --vms 40 --extra gpu:a30=2',
    'secovia quota set osijek --vcpus 16 --country HR',
    'secovia quota set osijek --no-vms --remove-extra gpu:a30',
  ],
  options: [
    ...limitOptions('allow'),
    ...scopeOptions(),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [administration = ''], options) {
    if (!saysLimits(options))
      throw usageFailure('limit what? Say at least one of --vcpus, --memory, --disk, --vms and --extra.');
    const parent = resourceName('administrations', administration);
    const connection = await context.connection();
    const response = await changeAsRead(
      () => quotaNow(connection, `${parent}/quotas/${scopeKeyOf(options)}`),
      (now) =>
        connection.mutate('QuotaService', 'SetQuota', {
          parent,
          scope: scopeOf(options),
          limit: limitsOf(options, now?.limit ?? null),
          etag: options.etag ?? now?.etag ?? '',
        }),
      options.etag === undefined ? mostAttempts : 1,
    );
    const { quota } = response;
    await present(context, {
      service: 'QuotaService',
      method: 'SetQuota',
      response,
      names: [quota?.name ?? ''],
      text: () => {
        const limits = formatLimits(quota?.limit ?? null) || 'no limit';
        return `${shortName(parent)}, ${scopeWords(quota?.scope ?? null)}: ${limits}\n`;
      },
    });
  },
});

/** Null when there is none yet. */
async function quotaNow(connection: Connection, name: string): Promise<Quota__Output | null> {
  try {
    return (await connection.call('QuotaService', 'GetQuota', { name })).quota;
  } catch (error) {
    if (error instanceof CallFailure && error.exitCode === exitCodes.notFound) return null;
    throw error;
  }
}
