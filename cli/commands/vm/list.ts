/** `secovia vm list`. */
import { defineCommand, flag, option } from '../../command.js';
import { list } from '../../output/present.js';
import { vmColumns } from '../../views/vm.js';
import { type AdministrationOption, administrationOf, administrationOption } from '../../vm-options.js';

interface Options extends AdministrationOption {
  filter?: string;
  all?: true;
}

export const vmList = defineCommand<Options>({
  usage: 'vm list',
  summary: 'List VMs',
  description: 'Those of one administration, or of all when none is said.',
  examples: [
    'secovia vm list -A city',
    `secovia vm list --all --filter 'state = RUNNING AND labels.env = "prod"'`,
  ],
  options: [
    administrationOption(),
    flag('--all', 'of all administrations, whatever SECOVIA_ADMINISTRATION says').conflicts('administration'),
    option(
      '--filter <expression>',
      'by name, uid, title, state, host, site, image, vcpus, memory_mib, disk_mib, restart_required, moving, deletion_protection, labels.*',
    ),
  ],
  async run(context, _args, options) {
    const one = options.all ? undefined : administrationOf(context, options);
    const { filter = '' } = options;
    await list(context, {
      service: 'VmService',
      method: 'ListVms',
      request: { parent: one ?? 'administrations/-', filter },
      key: 'vms',
      rows: (page) => page.vms,
      columns: vmColumns(context.nowMs),
      none: filter === '' ? 'there is no VM. Make one with secovia vm create.' : 'no VM matches.',
    });
  },
});
