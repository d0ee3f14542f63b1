/** `secovia host uncordon`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

export const hostUncordon = defineCommand({
  usage: 'host uncordon <host...>',
  summary: 'Let new VMs be placed on a host again',
  examples: ['secovia host uncordon sofia-1-a'],
  async run(context, names) {
    const connection = await context.connection();
    for (const name of names) {
      const response = await connection.mutate('HostService', 'UncordonHost', {
        name: resourceName('hosts', name),
      });
      await present(context, {
        service: 'HostService',
        method: 'UncordonHost',
        response,
        names: [response.host?.name ?? ''],
        text: () => `uncordoned host ${shortName(response.host?.name ?? '')}\n`,
      });
    }
  },
});
