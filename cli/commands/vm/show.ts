/** `secovia vm show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { vmSheet } from '../../views/vm.js';
import { type AdministrationOption, administrationOption, namedVms } from '../../vm-options.js';

export const vmShow = defineCommand<AdministrationOption>({
  usage: 'vm show <vm...>',
  summary: 'Show VMs: what they are, what they should be, and where',
  examples: ['secovia vm show city/web', 'secovia vm show -A city web', 'secovia vm show UUID --output json'],
  options: [administrationOption()],
  async run(context, words, options) {
    const connection = await context.connection();
    let between = '';
    for (const name of namedVms(context, words, options)) {
      const response = await connection.call('VmService', 'GetVm', { name });
      const { vm } = response;
      const lead = between;
      await present(context, {
        service: 'VmService',
        method: 'GetVm',
        response,
        names: [vm?.name ?? ''],
        text: () => (vm === null ? '' : lead + vmSheet(vm, context.nowMs, context.paint)),
      });
      between = '\n';
    }
  },
});
