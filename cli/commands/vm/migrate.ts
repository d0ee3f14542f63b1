/** `secovia vm migrate`. */
import { defineCommand, flag, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { durationMessage, parseDurationMs } from '../../values/durations.js';
import { resourceName } from '../../values/names.js';
import { changeVms } from '../../vm-change.js';
import { administrationOption, type ChangeOptions, etagOption, waitOption } from '../../vm-options.js';

interface Options extends ChangeOptions {
  /** `hosts/{host}`. */
  to?: string;
  cold?: true;
  /** Milliseconds. */
  grace?: number;
}

export const vmMigrate = defineCommand<Options>({
  usage: 'vm migrate <vm...>',
  summary: 'Move VMs to another host of their site',
  description:
    'Their disk must be on a shared pool that both hosts mount. One that runs is handed over while it runs, where both hosts can do that; with --cold it is stopped, and started on the other host. One that is stopped is moved as it is. When the other host cannot have it, it is where it was, and the operation says why. Cancelled before it has left, it stays. Operators of the hosts order this, and not the owners of the VMs.',
  examples: [
    'secovia vm migrate city/web --wait',
    'secovia vm migrate city/web --to sofia-1-b',
    'secovia vm migrate city/web --to sofia-1-b --cold --grace 5m --wait',
  ],
  options: [
    option('--to <host>', 'that host (default: the scheduler chooses)', (text) =>
      resourceName('hosts', text),
    ),
    flag('--cold', 'stop it, and start it on the other host'),
    option(
      '--grace <duration>',
      'with --cold: how long the guest may take to shut down, 1s to 1h (default: 60s)',
      parseDurationMs,
    ),
    administrationOption(),
    waitOption(),
    etagOption(),
  ],
  async run(context, words, options) {
    const { to = '', cold, grace } = options;
    if (grace !== undefined && !cold)
      throw usageFailure('--grace goes with --cold: only then it is stopped.');
    await changeVms(
      context,
      {
        verb: 'migrate',
        doing: 'moving',
        method: 'MigrateVm',
        order: (connection, name, etag) =>
          connection.mutate('VmService', 'MigrateVm', {
            name,
            etag,
            host: to,
            mode: cold ? 'MIGRATION_MODE_COLD' : 'MIGRATION_MODE_UNSPECIFIED',
            gracePeriod: grace === undefined ? null : durationMessage(grace),
          }),
      },
      words,
      options,
    );
  },
});
