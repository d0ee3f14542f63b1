/** `secovia vm stop`. */
import { defineCommand, flag, option } from '../../command.js';
import { durationMessage, parseDurationMs } from '../../values/durations.js';
import { changeVms } from '../../vm-change.js';
import { administrationOption, type ChangeOptions, etagOption, waitOption } from '../../vm-options.js';

interface Options extends ChangeOptions {
  force?: true;
  /** Milliseconds. */
  grace?: number;
}

export const vmStop = defineCommand<Options>({
  usage: 'vm stop <vm...>',
  summary: 'Stop VMs',
  description:
    'The guest is asked to shut down; when the grace period ends and it has not, the plug is pulled.',
  examples: [
    'secovia vm stop city/web --wait',
    'secovia vm stop city/web --grace 5m',
    'secovia vm stop city/web --force',
  ],
  options: [
    flag('--force', 'pull the plug at once').conflicts('grace'),
    option('--grace <duration>', 'how long the guest may take, 1s to 1h (default: 60s)', parseDurationMs),
    administrationOption(),
    waitOption(),
    etagOption(),
  ],
  run: (context, words, options) =>
    changeVms(
      context,
      {
        verb: 'stop',
        doing: 'stopping',
        method: 'StopVm',
        order: (connection, name, etag) =>
          connection.mutate('VmService', 'StopVm', {
            name,
            etag,
            mode: options.force ? 'STOP_MODE_FORCE' : 'STOP_MODE_GRACEFUL',
            gracePeriod: options.grace === undefined ? null : durationMessage(options.grace),
          }),
      },
      words,
      options,
    ),
});
