/** `secovia host adopt-orphan`. */
import type { GroupRule } from '../../../proto/gen/secovia/v1/GroupRule.js';
import type { Vm } from '../../../proto/gen/secovia/v1/Vm.js';
import { defineCommand, flag, folded, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { endOf, failureOf } from '../../operation-end.js';
import { present } from '../../output/present.js';
import { addExtra, type Extras } from '../../values/extras.js';
import { addGroup } from '../../values/groups.js';
import { newVmName, resourceName, shortName, shortVmName } from '../../values/names.js';
import { parseSizeMib } from '../../values/sizes.js';
import { parseCount } from '../../values/words.js';
import { vmState } from '../../views/vm.js';
import { refreshed } from '../../vm-change.js';
import {
  type AdministrationOption,
  administrationOf,
  administrationOption,
  dataClassOption,
  labelOption,
  type PriorityName,
  priorityNames,
  priorityOption,
  waitOption,
} from '../../vm-options.js';
import { type PolicyOptions, policyOf, policyOptions } from '../../vm-policies.js';

interface Options extends AdministrationOption, PolicyOptions {
  orphan?: string;
  name?: string;
  image?: string;
  vcpus?: number;
  /** MiB, as disk. */
  memory?: number;
  disk?: number;
  extra?: Extras;
  group?: GroupRule[];
  title?: string;
  label?: Record<string, string>;
  priority?: PriorityName;
  dataClass?: string;
  deletionProtection?: true;
  wait?: true;
}

export const hostAdoptOrphan = defineCommand<Options>({
  usage: 'host adopt-orphan <host>',
  summary: 'Make what a host has of a VM that nobody knows a VM again',
  description:
    'secovia host show lists the orphans, with what is known of each. The VM has the UUID that it had; a domain that runs goes on\n' +
    'running, and one that is off stays off. It is counted, limited and paid for from now on, and has to be where the\n' +
    'administration may have it: what stands against that is told, and nothing is changed.\n\n' +
    'What the host has read (vCPUs, memory, disk, the image by its digest) need not be said. Of a disk without a domain it\n' +
    'may not know --vcpus and --memory, and the VM is off. A disk that is only half made cannot be adopted; secovia host remove-orphan takes\n' +
    'it away. Where several hosts have the same orphan, all but the right one are removed first.',
  examples: [
    'secovia host adopt-orphan sofia-1-a --orphan 6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11 --name web --administration city --wait',
    'secovia host adopt-orphan sofia-1-a --orphan 6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11 --name db -A city \\',
    '    --vcpus 2 --memory 4GiB --image debian-13',
  ],
  options: [
    option('--orphan <uuid>', 'which one; must be said'),
    option('--name <name>', 'what the VM is called; must be said'),
    administrationOption(),
    option('--image <image>', 'what its disk was made from, where the host does not know', (text) =>
      resourceName('images', text),
    ),
    option('--vcpus <count>', 'virtual CPUs, where the host does not know', parseCount),
    option('--memory <size>', 'e.g. 4GiB, where the host does not know', parseSizeMib),
    option('--disk <size>', 'e.g. 20GiB, where the host does not know', parseSizeMib),
    folded('--extra <extra>', 'with extras that are no devices, e.g. licence:db=2', addExtra),
    folded('--group <rule>', 'belong to a group of the administration, e.g. web:apart', addGroup),
    priorityOption(),
    dataClassOption(),
    labelOption(),
    option('--title <text>', 'a name for people, in any script'),
    flag('--deletion-protection', 'it cannot be deleted until this is taken back'),
    ...policyOptions(),
    waitOption(),
  ],
  async run(context, [word = ''], options) {
    const { orphan = '', name = '' } = options;
    if (orphan === '')
      throw usageFailure('say with --orphan which one: its UUID, as secovia host show has it.');
    if (name === '') throw usageFailure('say with --name what the VM is called.');
    const { parent, vmId } = newVmName(name, administrationOf(context, options));
    const host = resourceName('hosts', word);
    const connection = await context.connection();
    const request = { parent, vmId, vm: vmOf(options), host, orphan };
    const answer = await connection.mutate('VmService', 'AdoptVm', request);
    const label = shortVmName(`${parent}/vms/${vmId}`);
    const doing = `adopt ${label}`;
    const operation = await endOf(context, answer.operation, doing, options);
    const failure = await failureOf(doing, operation);
    if (failure !== undefined) throw failure;
    const vm = answer.vm !== null && options.wait ? await refreshed(context, answer.vm) : answer.vm;
    await present(context, {
      service: 'VmService',
      method: 'AdoptVm',
      response: { vm, operation },
      names: [vm?.name ?? ''],
      text: () => {
        const on = `on ${shortName(host)}`;
        return vm !== null && operation?.done
          ? `${label} is ${vmState(vm)} ${on}\n`
          : `adopting ${label} ${on} (operation ${shortName(operation?.name ?? '')})\n`;
      },
    });
  },
});

function vmOf(options: Options): Vm {
  return {
    title: options.title ?? '',
    labels: options.label ?? {},
    spec: {
      vcpus: options.vcpus ?? 0,
      memoryMib: options.memory ?? 0,
      diskMib: options.disk ?? 0,
      image: options.image ?? '',
      extras: options.extra ?? {},
    },
    placement: { groups: options.group ?? [] },
    priority: options.priority === undefined ? 'VM_PRIORITY_UNSPECIFIED' : priorityNames[options.priority],
    dataClass: options.dataClass ?? '',
    policy: policyOf(options),
    deletionProtection: options.deletionProtection ?? false,
  };
}
