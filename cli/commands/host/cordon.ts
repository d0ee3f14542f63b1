/** `secovia host cordon`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

export const hostCordon = defineCommand({
  usage: 'host cordon <host...>',
  summary: 'Place nothing new on a host',
  description: 'What runs there runs on.',
  examples: ['secovia host cordon sofia-1-a'],
  async run(context, names) {
    const connection = await context.connection();
    for (const name of names) {
      const response = await connection.mutate('HostService', 'CordonHost', {
        name: resourceName('hosts', name),
      });
      await present(context, {
        service: 'HostService',
        method: 'CordonHost',
        response,
        names: [response.host?.name ?? ''],
        text: () => `cordoned host ${shortName(response.host?.name ?? '')}\n`,
      });
    }
  },
});
