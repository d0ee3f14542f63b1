/** `secovia vm reboot`. */
import { defineCommand, flag } from '../../command.js';
import { changeVms } from '../../vm-change.js';
import { administrationOption, type ChangeOptions, etagOption, waitOption } from '../../vm-options.js';

interface Options extends ChangeOptions {
  force?: true;
}

export const vmReboot = defineCommand<Options>({
  usage: 'vm reboot <vm...>',
  summary: 'Reboot VMs',
  description:
    'A VM that waits for a stop and a start to have its new size is powered off and on, and has it then.',
  examples: ['secovia vm reboot city/web --wait', 'secovia vm reboot city/web --force'],
  options: [
    flag('--force', 'press reset instead of asking the guest'),
    administrationOption(),
    waitOption(),
    etagOption(),
  ],
  run: (context, words, options) =>
    changeVms(
      context,
      {
        verb: 'reboot',
        doing: 'rebooting',
        method: 'RebootVm',
        order: (connection, name, etag) =>
          connection.mutate('VmService', 'RebootVm', {
            name,
            etag,
            mode: options.force ? 'REBOOT_MODE_FORCE' : 'REBOOT_MODE_GRACEFUL',
          }),
      },
      words,
      options,
    ),
});
