/** `secovia vm resize`. */
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { parseSizeMib } from '../../values/sizes.js';
import { parseCount } from '../../values/words.js';
import { resizeOutcome } from '../../views/vm-size.js';
import { changeVms } from '../../vm-change.js';
import { administrationOption, type ChangeOptions, etagOption, waitOption } from '../../vm-options.js';

interface Options extends ChangeOptions {
  vcpus?: number;
  /** MiB, as disk. */
  memory?: number;
  disk?: number;
}

export const vmResize = defineCommand<Options>({
  usage: 'vm resize <vm>',
  summary: 'Change the size of a VM',
  description:
    'It stays on its host, which must have room. Disks only grow. What is left out stays as it is. Of a VM that runs the disk grows at once, and vCPUs are added as far as its host can; other vCPUs and all memory come with the next stop and start, or `secovia vm reboot`. Until then it holds the larger of both sizes. With hugepages or NUMA cells only the disk changes while it runs. `secovia operation cancel` orders it back.',
  examples: [
    'secovia vm resize city/web --memory 2GiB',
    'secovia vm resize city/web --vcpus 4 --disk 20GiB --wait',
  ],
  options: [
    option('--vcpus <count>', 'virtual CPUs', parseCount),
    option('--memory <size>', 'e.g. 512MiB or 2GiB', parseSizeMib),
    option('--disk <size>', 'e.g. 20GiB; not less than now', parseSizeMib),
    administrationOption(),
    waitOption(),
    etagOption(),
  ],
  async run(context, words, options) {
    const { vcpus = 0, memory = 0, disk = 0 } = options;
    const size = { vcpus, memoryMib: memory, diskMib: disk };
    if (vcpus + memory + disk === 0)
      throw usageFailure('nothing to change: say --vcpus, --memory or --disk.');
    await changeVms(
      context,
      {
        verb: 'resize',
        doing: 'resizing',
        method: 'ResizeVm',
        order: (connection, name, etag) =>
          connection.mutate('VmService', 'ResizeVm', { name, etag, ...size }),
        outcome: (vm) => resizeOutcome(vm, size),
      },
      words,
      options,
    );
  },
});
