/** `secovia vm create`: one VM, or a numbered batch of them. */
import { Option } from 'commander';
import type { Operation__Output } from '../../../proto/gen/secovia/v1/Operation.js';
import type { Vm } from '../../../proto/gen/secovia/v1/Vm.js';
import type { Vm__Output } from '../../../proto/gen/secovia/v1/Vm.js';
import { firstVms, mostShownVms, refusalFailure } from '../../batch-outcome.js';
import { defineCommand, flag, option } from '../../command.js';
import type { Context } from '../../context.js';
import { createDisplacing } from '../../displacement.js';
import { usageFailure } from '../../failure.js';
import { endOf, failureOf } from '../../operation-end.js';
import { present } from '../../output/present.js';
import { batchNames, newVmName, shortName, shortVmName } from '../../values/names.js';
import { parseCount } from '../../values/words.js';
import { took } from '../../views/operation.js';
import { vmColumns, vmState } from '../../views/vm.js';
import { refreshed } from '../../vm-change.js';
import { type PolicyOptions, policyOf, policyOptions } from '../../vm-policies.js';
import { administrationOf, labelOption, waitOption } from '../../vm-options.js';
import { rehearseBatch, rehearseOne } from '../../vm-rehearsal.js';
import { groupHelp, type ShapeOptions, shapeOf, shapeOptions } from '../../vm-shape.js';

/** The contract's limit of a batch. */
const largestBatch = 10_000;

/** So many VMs at a time are asked after. */
const askedTogether = 32;

interface Options extends ShapeOptions, PolicyOptions {
  count?: number;
  bestEffort?: true;
  label?: Record<string, string>;
  title?: string;
  stopped?: true;
  deletionProtection?: true;
  preempt?: 'report' | 'confirm';
  yes?: true;
  dryRun?: true;
  wait?: true;
}

export const vmCreate = defineCommand<Options>({
  usage: 'vm create <name>',
  summary: 'Make a VM and start it',
  description:
    'The scheduler chooses the host and answers at once; --wait waits until the VM runs.\n\n' +
    'With --count N, the VMs NAME-1 to NAME-N are made in one decision, all or none; with --best-effort as many as ' +
    'can be, the others are told with their reasons, and the exit code is 4 when there are any. With --dry-run ' +
    'nothing is made.\n\n' +
    'When no host has room, --preempt report tells which VMs of a lower --priority would have to give up their ' +
    'vCPUs and memory (they keep their disks); --preempt confirm asks, stops them, and makes the VM in their room.\n\n' +
    groupHelp,
  examples: [
    'secovia vm create web --administration city --vcpus 1 --memory 128MiB --disk 1GiB --image tiny --wait',
    'secovia vm create node -A city --vcpus 2 --memory 4GiB --disk 20GiB --image debian-13 --count 20 \\',
    '    --country BG --label env=prod --group node:spread',
    'secovia vm create ai -A city --vcpus 8 --memory 64GiB --disk 200GiB --image debian-13 --extra gpu:a30=2',
    'secovia vm create sip -A city --vcpus 4 --memory 8GiB --disk 20GiB --image debian-13 --numa one --dedicated-cpus --hugepages 2MiB',
    'secovia vm create register -A city --vcpus 4 --memory 16GiB --disk 100GiB --image debian-13 --data-class personal',
    'secovia vm create mail -A city --vcpus 2 --memory 4GiB --disk 50GiB --image debian-13 --pool san --on-host-loss restart',
    'secovia vm create db -A city --vcpus 8 --memory 64GiB --disk 1TiB --image debian-13 --require-trait ssd --dry-run',
  ],
  options: [
    ...shapeOptions(),
    option('--count <count>', 'make that many, numbered', parseCount),
    flag('--best-effort', 'with --count: make those that can be made, and refuse the others alone'),
    labelOption(),
    option('--title <text>', 'a name for people, in any script'),
    flag('--stopped', 'make it and do not start it'),
    flag('--deletion-protection', 'it cannot be deleted until this is taken back'),
    ...policyOptions(),
    new Option('--preempt <how>', 'what is asked of VMs of a lower priority').choices(['report', 'confirm']),
    flag('--yes', 'with --preempt confirm: do not ask'),
    flag('--dry-run', 'only say where it would go; make nothing, and do not wait'),
    waitOption(),
  ],
  async run(context, [word = ''], options) {
    const { parent, vmId } = newVmName(word, administrationOf(context, options));
    checkPreemption(context, options);
    if (options.count !== undefined) await createBatch(context, parent, vmId, options.count, options);
    else if (options.bestEffort) throw usageFailure('--best-effort goes with --count.');
    else await createOne(context, parent, vmId, options);
  },
});

function checkPreemption(context: Context, { preempt, yes, count, dryRun }: Options): void {
  if (preempt !== undefined && count !== undefined) {
    throw usageFailure('--preempt goes with one VM, not with --count: room is made for one at a time.');
  }
  if (yes && preempt !== 'confirm') throw usageFailure('--yes goes with --preempt confirm.');
  if (preempt !== 'confirm') return;
  if (dryRun) throw usageFailure('--preempt confirm stops VMs; with --dry-run say --preempt report.');
  if (context.settings.requestId !== undefined) {
    throw usageFailure('--preempt confirm is several calls, so it does not go with --request-id.');
  }
}

function vmOf(options: Options): Vm {
  return {
    title: options.title ?? '',
    labels: options.label ?? {},
    ...shapeOf(options),
    policy: policyOf(options),
    deletionProtection: options.deletionProtection ?? false,
    desiredPowerState: options.stopped ? 'POWER_STATE_STOPPED' : 'POWER_STATE_RUNNING',
  };
}

async function createOne(context: Context, parent: string, vmId: string, options: Options): Promise<void> {
  const wanted = vmOf(options);
  const preemption = options.preempt === 'report' ? 'PREEMPTION_REPORT' : 'PREEMPTION_UNSPECIFIED';
  const request = { parent, vmId, vm: wanted, preemption } as const;
  if (options.dryRun) return rehearseOne(context, request);
  const connection = await context.connection();
  const answer =
    options.preempt === 'confirm'
      ? await createDisplacing(context, request, options.yes ?? false)
      : await connection.mutate('VmService', 'CreateVm', request);
  const label = shortVmName(answer.vm?.name ?? `${parent}/vms/${vmId}`);
  const operation = await endOf(context, answer.operation, `create ${label}`, options);
  const vm = answer.vm !== null && options.wait ? await refreshed(context, answer.vm) : answer.vm;
  const failure = await failureOf(`create ${label}`, operation);
  if (failure === undefined || context.format !== 'table') {
    await present(context, {
      service: 'VmService',
      method: 'CreateVm',
      response: { vm, operation },
      names: [vm?.name ?? ''],
      text: () => `${oneSentence(context, label, vm, operation)}\n`,
    });
  }
  if (failure !== undefined) throw failure;
}

async function createBatch(
  context: Context,
  parent: string,
  vmId: string,
  count: number,
  options: Options,
): Promise<void> {
  if (count > largestBatch)
    throw usageFailure(`--count is at most ${largestBatch}: make them in several batches.`);
  const vm = vmOf(options);
  const vmIds = batchNames(vmId, count);
  const mode = options.bestEffort ? 'BATCH_MODE_BEST_EFFORT' : 'BATCH_MODE_ALL_OR_NOTHING';
  if (options.dryRun) return rehearseBatch(context, parent, vmIds, vm, mode);
  const connection = await context.connection();
  const requests = vmIds.map((each) => ({ vmId: each, vm }));
  const answer = await connection.mutate('VmService', 'BatchCreateVms', { parent, requests, mode });
  const { refused } = answer;
  const label = `create ${answer.vms.length} VMs`;
  const operation = await endOf(context, answer.operation, label, options);
  const vms = options.wait ? await asTheyAre(context, answer.vms) : answer.vms;
  await present(context, {
    service: 'VmService',
    method: 'BatchCreateVms',
    response: { vms, operation, refused },
    names: vms.map(({ name }) => name),
    text: async () =>
      (await firstVms(context, vms, vmColumns(context.nowMs))) +
      `${batchSentence(context, vms.length, operation)}\n`,
  });
  const failure = (await failureOf(label, operation)) ?? (await refusalFailure(answer));
  if (failure !== undefined) throw failure;
}

/** The VMs as they have become: of those that a person is not shown nobody asks. */
async function asTheyAre(context: Context, made: readonly Vm__Output[]): Promise<Vm__Output[]> {
  const vms = [...made];
  const asked = context.format === 'table' ? Math.min(vms.length, mostShownVms) : vms.length;
  for (let from = 0; from < asked; from += askedTogether) {
    const some = vms.slice(from, Math.min(asked, from + askedTogether));
    const fresh = await Promise.all(some.map((vm) => refreshed(context, vm)));
    vms.splice(from, fresh.length, ...fresh);
  }
  return vms;
}

function oneSentence(
  context: Context,
  label: string,
  vm: Vm__Output | null,
  operation: Operation__Output | null,
): string {
  const host = vm === null || vm.host === '' ? '' : ` on ${shortName(vm.host)}`;
  if (operation === null) return `created ${label}${host}`;
  if (!operation.done) return `creating ${label}${host} (operation ${shortName(operation.name)})`;
  return `${label} is ${vm === null ? 'made' : vmState(vm)}${host}, create took ${took(operation, context.nowMs)}`;
}

function batchSentence(context: Context, count: number, operation: Operation__Output | null): string {
  if (operation === null) return count === 0 ? 'no VM was made' : `created ${count} VMs`;
  return operation.done
    ? `${operation.succeededCount} of ${count} VMs made, create took ${took(operation, context.nowMs)}`
    : `creating ${count} VMs (operation ${shortName(operation.name)})`;
}
