/** `secovia vm start`. */
import { defineCommand } from '../../command.js';
import { changeVms } from '../../vm-change.js';
import { administrationOption, type ChangeOptions, etagOption, waitOption } from '../../vm-options.js';

export const vmStart = defineCommand<ChangeOptions>({
  usage: 'vm start <vm...>',
  summary: 'Start VMs',
  examples: ['secovia vm start city/web --wait', 'secovia vm start -A city web-1 web-2'],
  options: [administrationOption(), waitOption(), etagOption()],
  run: (context, words, options) =>
    changeVms(
      context,
      {
        verb: 'start',
        doing: 'starting',
        method: 'StartVm',
        order: (connection, name, etag) => connection.mutate('VmService', 'StartVm', { name, etag }),
      },
      words,
      options,
    ),
});
