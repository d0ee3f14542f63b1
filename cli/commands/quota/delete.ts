/** `secovia quota delete`. */
import { defineCommand, option } from '../../command.js';
import { scopeOptions } from '../../limit-options.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { type ScopeOptions, scopeKeyOf, scopeOf, scopeWords } from '../../values/scopes.js';

interface Options extends ScopeOptions {
  etag?: string;
}

export const quotaDelete = defineCommand<Options>({
  usage: 'quota delete <administration>',
  summary: 'Take the limits of an administration in one place away',
  description: 'Those of other places, and of the administrations above and below it, stay.',
  examples: ['secovia quota delete osijek', 'secovia quota delete osijek --country HR'],
  options: [...scopeOptions(), option('--etag <etag>', 'only if it has not changed since it had this etag')],
  async run(context, [administration = ''], options) {
    const parent = resourceName('administrations', administration);
    const name = `${parent}/quotas/${scopeKeyOf(options)}`;
    const connection = await context.connection();
    const response = await connection.mutate('QuotaService', 'DeleteQuota', {
      name,
      etag: options.etag ?? '',
    });
    await present(context, {
      service: 'QuotaService',
      method: 'DeleteQuota',
      response,
      names: [name],
      text: () => `deleted quota of ${shortName(parent)}, ${scopeWords(scopeOf(options))}\n`,
    });
  },
});
