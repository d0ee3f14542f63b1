/**
 * `secovia vm update`. Labels and policy are single fields of the contract, replaced as a whole; so that one label can
 * be changed, the VM is read, changed, and written on the condition that nobody else has written meanwhile.
 */
import { Option } from 'commander';
import type { Vm__Output } from '../../../proto/gen/secovia/v1/Vm.js';
import { defineCommand, flag, repeated, option } from '../../command.js';
import type { Context } from '../../context.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { changeAsRead, mostAttempts } from '../../overtaking.js';
import { shortVmName } from '../../values/names.js';
import {
  type AdministrationOption,
  administrationOption,
  dataClassOption,
  etagOption,
  labelOption,
  namedVms,
  type PriorityName,
  priorityNames,
  priorityOption,
} from '../../vm-options.js';
import { drainPolicies, hostLossPolicies, leaseLossPolicies, shutdownPolicies } from '../../vm-policies.js';

interface Options extends AdministrationOption {
  title?: string;
  label?: Record<string, string>;
  removeLabel?: string[];
  deletionProtection?: boolean;
  onGuestShutdown?: keyof typeof shutdownPolicies;
  onHostLoss?: keyof typeof hostLossPolicies;
  onLeaseLoss?: keyof typeof leaseLossPolicies;
  onDrain?: keyof typeof drainPolicies;
  rebuildable?: boolean;
  priority?: PriorityName;
  dataClass?: string;
  etag?: string;
}

export const vmUpdate = defineCommand<Options>({
  usage: 'vm update <vm>',
  summary: "Change a VM's title, labels, policy, protection, priority or data class",
  examples: [
    'secovia vm update city/web --title "Front page" --label env=prod --remove-label test',
    'secovia vm update city/web --no-deletion-protection',
    'secovia vm update city/register --data-class personal',
    'secovia vm update city/mail --on-host-loss restart --on-drain live-only',
  ],
  options: [
    option('--title <text>', 'a name for people; "" takes it away'),
    labelOption(),
    repeated('--remove-label <key>', 'take a label away', (text) => text),
    flag('--deletion-protection', 'it cannot be deleted'),
    flag('--no-deletion-protection', 'it can be deleted again'),
    new Option('--on-guest-shutdown <policy>', 'what becomes of it when the guest shuts itself down').choices(
      Object.keys(shutdownPolicies),
    ),
    new Option('--on-host-loss <policy>', 'what becomes of it when its host is lost').choices(
      Object.keys(hostLossPolicies),
    ),
    new Option(
      '--on-lease-loss <policy>',
      "what becomes of it when its host's lease has lapsed; stop counts from when the host has heard it",
    ).choices(Object.keys(leaseLossPolicies)),
    new Option('--on-drain <policy>', 'what a drain of its host may do to it while it runs').choices(
      Object.keys(drainPolicies),
    ),
    flag('--rebuildable', 'it may be made anew from its image'),
    flag('--no-rebuildable', 'it may not'),
    priorityOption(),
    dataClassOption(),
    administrationOption(),
    etagOption(),
  ],
  async run(context, words, options) {
    const paths = changedFields(options);
    if (paths.length === 0) {
      throw usageFailure(
        'nothing to change: say for example --title or --label; see secovia vm update --help.',
      );
    }
    const [name = ''] = namedVms(context, words, options);
    const response = await update(context, name, paths, options);
    await present(context, {
      service: 'VmService',
      method: 'UpdateVm',
      response,
      names: [response.vm?.name ?? ''],
      text: () => `updated ${shortVmName(response.vm?.name ?? name)}\n`,
    });
  },
});

function changedFields(options: Options): string[] {
  const { title, label, removeLabel, deletionProtection } = options;
  const { onGuestShutdown, onHostLoss, onLeaseLoss, onDrain, rebuildable } = options;
  const policy = [onGuestShutdown, onHostLoss, onLeaseLoss, onDrain, rebuildable];
  const { priority, dataClass } = options;
  return [
    ...(title === undefined ? [] : ['title']),
    ...(label === undefined && removeLabel === undefined ? [] : ['labels']),
    ...(policy.every((each) => each === undefined) ? [] : ['policy']),
    ...(deletionProtection === undefined ? [] : ['deletion_protection']),
    ...(priority === undefined ? [] : ['priority']),
    ...(dataClass === undefined ? [] : ['data_class']),
  ];
}

async function update(context: Context, name: string, paths: string[], options: Options) {
  const connection = await context.connection();
  const mustRead = paths.includes('labels') || paths.includes('policy');
  return await changeAsRead(
    async () => (mustRead ? (await connection.call('VmService', 'GetVm', { name })).vm : null),
    (now) =>
      connection.mutate('VmService', 'UpdateVm', {
        vm: {
          name,
          title: options.title ?? '',
          labels: labelsOf(now, options),
          policy: now === null ? null : policyOf(now, options),
          deletionProtection: options.deletionProtection ?? false,
          ...(options.priority === undefined ? {} : { priority: priorityNames[options.priority] }),
          dataClass: options.dataClass ?? '',
          etag: options.etag ?? now?.etag ?? '',
        },
        updateMask: { paths },
      }),
    mustRead && options.etag === undefined ? mostAttempts : 1,
  );
}

function labelsOf(now: Vm__Output | null, { label = {}, removeLabel = [] }: Options): Record<string, string> {
  const removed = new Set(removeLabel);
  const kept = Object.entries(now?.labels ?? {}).filter(([key]) => !removed.has(key));
  return { ...Object.fromEntries(kept), ...label };
}

function policyOf(now: Vm__Output, options: Options) {
  const { onGuestShutdown, onHostLoss, onLeaseLoss, onDrain, rebuildable } = options;
  return {
    ...now.policy,
    ...(onGuestShutdown === undefined ? {} : { onGuestShutdown: shutdownPolicies[onGuestShutdown] }),
    ...(onHostLoss === undefined ? {} : { onHostLoss: hostLossPolicies[onHostLoss] }),
    ...(onLeaseLoss === undefined ? {} : { onLeaseLoss: leaseLossPolicies[onLeaseLoss] }),
    ...(onDrain === undefined ? {} : { onDrain: drainPolicies[onDrain] }),
    ...(rebuildable === undefined ? {} : { rebuildable }),
  };
}
