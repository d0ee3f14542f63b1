/** `secovia host show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { hostSheet } from '../../views/host.js';

export const hostShow = defineCommand({
  usage: 'host show <host>',
  summary: 'Show a host',
  examples: ['secovia host show sofia-1-a'],
  async run(context, [host = '']) {
    const connection = await context.connection();
    const response = await connection.call('HostService', 'GetHost', { name: resourceName('hosts', host) });
    const found = response.host;
    await present(context, {
      service: 'HostService',
      method: 'GetHost',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : hostSheet(found, context.nowMs, context.paint)),
    });
  },
});
