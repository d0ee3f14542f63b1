/** `secovia host list`. */
import { defineCommand, option } from '../../command.js';
import { list } from '../../output/present.js';
import { hostColumns } from '../../views/host.js';

interface Options {
  filter?: string;
}

export const hostList = defineCommand<Options>({
  usage: 'host list',
  summary: 'List the hosts',
  examples: ['secovia host list', `secovia host list --filter 'site = "sites/sofia-1" AND state = READY'`],
  options: [
    option(
      '--filter <expression>',
      'by name, site, rack, state, cordoned, draining, dedicated_to, traits; e.g. state = READY AND traits:ssd',
    ),
  ],
  run: (context, _args, { filter = '' }) =>
    list(context, {
      service: 'HostService',
      method: 'ListHosts',
      request: { filter },
      key: 'hosts',
      rows: (page) => page.hosts,
      columns: hostColumns(context.nowMs),
      none:
        filter === ''
          ? 'there is no host. A host joins with secovia-agent join, and a token of secovia token create.'
          : 'no host matches.',
    }),
});
