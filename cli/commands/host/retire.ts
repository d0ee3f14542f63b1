/** `secovia host retire`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  etag?: string;
}

export const hostRetire = defineCommand<Options>({
  usage: 'host retire <host>',
  summary: 'Take a host without VMs out of the federation for good',
  description: 'Its agent is refused from then on; the machine can only join under another name.',
  examples: ['secovia host retire sofia-1-a'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  async run(context, [host = ''], { etag = '' }) {
    const connection = await context.connection();
    const response = await connection.mutate('HostService', 'RetireHost', {
      name: resourceName('hosts', host),
      etag,
    });
    await present(context, {
      service: 'HostService',
      method: 'RetireHost',
      response,
      names: [response.host?.name ?? ''],
      text: () => `retired host ${shortName(response.host?.name ?? '')}\n`,
    });
  },
});
