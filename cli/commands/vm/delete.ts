/** `secovia vm delete`. */
import { defineCommand, flag } from '../../command.js';
import { confirm } from '../../prompt.js';
import { shortVmName } from '../../values/names.js';
import { changeVms } from '../../vm-change.js';
import {
  administrationOption,
  type ChangeOptions,
  etagOption,
  namedVms,
  waitOption,
} from '../../vm-options.js';

interface Options extends ChangeOptions {
  yes?: true;
}

export const vmDelete = defineCommand<Options>({
  usage: 'vm delete <vm...>',
  summary: 'Delete VMs and their disks',
  description: 'A person at a terminal is asked first; a script must say --yes.',
  examples: ['secovia vm delete city/web', 'secovia vm delete -A city web-1 web-2 --yes --wait'],
  options: [flag('--yes', 'do not ask'), administrationOption(), waitOption(), etagOption()],
  async run(context, words, options) {
    const names = namedVms(context, words, options).map(shortVmName);
    if (!options.yes) {
      const what = names.length === 1 ? `${names[0]} and its disk` : `${names.join(', ')} and their disks`;
      await confirm(context.world, `Delete ${what}?`);
    }
    await changeVms(
      context,
      {
        verb: 'delete',
        doing: 'deleting',
        method: 'DeleteVm',
        order: (connection, name, etag) => connection.mutate('VmService', 'DeleteVm', { name, etag }),
      },
      words,
      options,
    );
  },
});
