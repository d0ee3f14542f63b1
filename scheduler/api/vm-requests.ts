/** Requests that make or change VMs, checked for form and turned into what the core decides about. */
import { randomUUID } from 'node:crypto';
import type { CreateVmRequest__Output } from '../../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import type { VmPlacement__Output } from '../../proto/gen/secovia/v1/VmPlacement.js';
import type { VmPolicy__Output } from '../../proto/gen/secovia/v1/VmPolicy.js';
import type { VmSpec__Output } from '../../proto/gen/secovia/v1/VmSpec.js';
import type { NewVm, VmShape } from '../core/commands.js';
import type { PowerState, Priority, VmPolicy } from '../core/model.js';
import { plainPriority } from '../core/priority.js';
import { type Fields, titleLimit } from './fields.js';
import { largestDiskMib, leastMemoryMib, mostMemoryMib, mostVcpus } from './limits.js';
import { wantedExtras } from './extras.js';
import { wantedLayout } from './layouts.js';
import { placementIn } from './vm-placement.js';

const powerStates: Record<string, PowerState> = {
  POWER_STATE_UNSPECIFIED: 'running',
  POWER_STATE_RUNNING: 'running',
  POWER_STATE_STOPPED: 'stopped',
};

const guestShutdownPolicies: Record<string, VmPolicy['onGuestShutdown']> = {
  GUEST_SHUTDOWN_POLICY_UNSPECIFIED: 'stay_stopped',
  GUEST_SHUTDOWN_POLICY_STAY_STOPPED: 'stay_stopped',
  GUEST_SHUTDOWN_POLICY_RESTART: 'restart',
};

const hostLossPolicies: Record<string, 'wait' | 'restart'> = {
  HOST_LOSS_POLICY_UNSPECIFIED: 'wait',
  HOST_LOSS_POLICY_WAIT: 'wait',
  HOST_LOSS_POLICY_RESTART: 'restart',
};
const drainPolicies: Record<string, 'restart' | 'live_only'> = {
  DRAIN_POLICY_UNSPECIFIED: 'restart',
  DRAIN_POLICY_RESTART: 'restart',
  DRAIN_POLICY_LIVE_ONLY: 'live_only',
};
const leaseLossPolicies: Record<string, 'keep' | 'stop'> = {
  LEASE_LOSS_POLICY_UNSPECIFIED: 'keep',
  LEASE_LOSS_POLICY_KEEP: 'keep',
  LEASE_LOSS_POLICY_STOP: 'stop',
};

const priorityWords: Record<string, Priority> = {
  VM_PRIORITY_UNSPECIFIED: plainPriority,
  VM_PRIORITY_SPARE: 'spare',
  VM_PRIORITY_LOW: 'low',
  VM_PRIORITY_NORMAL: 'normal',
  VM_PRIORITY_HIGH: 'high',
  VM_PRIORITY_CRITICAL: 'critical',
};

const plainPolicy: VmPolicy = { onGuestShutdown: 'stay_stopped', rebuildable: false };

/** `at` says where in the request it stands, for example `requests[3].` */
export function newVm(fields: Fields, request: CreateVmRequest__Output, at: string): NewVm | null {
  const { vm } = request;
  const id = fields.id(`${at}vm_id`, request.vmId);
  if (!fields.present(`${at}vm`, vm) || !fields.present(`${at}vm.spec`, vm.spec)) return null;
  return {
    uid: randomUUID(),
    id,
    ...shapeIn(fields, `${at}vm`, vm.spec, vm.placement),
    power: fields.choice(`${at}vm.desired_power_state`, vm.desiredPowerState, powerStates),
    ...ownersWords(fields, `${at}vm`, vm),
  };
}

/** What an owner says of a VM that changes nothing of the machine that it is; `at` is the field of the VM. */
export function ownersWords(fields: Fields, at: string, vm: Vm__Output) {
  return {
    title: fields.text(`${at}.title`, vm.title, titleLimit),
    labels: fields.labels(`${at}.labels`, vm.labels),
    policy: policyIn(fields, `${at}.policy`, vm.policy),
    deletionProtection: vm.deletionProtection,
    ...(vm.priority === 'VM_PRIORITY_UNSPECIFIED'
      ? {}
      : { priority: priorityIn(fields, `${at}.priority`, vm.priority) }),
    ...classIn(fields, `${at}.data_class`, vm.dataClass),
  };
}

export function priorityIn(fields: Fields, at: string, priority: string | number): Priority {
  return fields.choice(at, priority, priorityWords);
}

/** The class of a VM's data; nothing when the plain one is meant. */
export function classIn(fields: Fields, at: string, dataClass: string): { dataClass?: string } {
  return dataClass === '' ? {} : { dataClass: fields.name(at, 'data class', dataClass) };
}

/** What of a VM placement has to know; `at` is the field of the VM. */
export function shapeIn(
  fields: Fields,
  at: string,
  spec: VmSpec__Output,
  placement: VmPlacement__Output | null,
): VmShape {
  return {
    vcpus: fields.whole(`${at}.spec.vcpus`, spec.vcpus, 1, mostVcpus),
    memoryMib: fields.whole(`${at}.spec.memory_mib`, spec.memoryMib, leastMemoryMib, mostMemoryMib),
    diskMib: fields.whole(`${at}.spec.disk_mib`, spec.diskMib, 1, largestDiskMib),
    image: fields.name(`${at}.spec.image`, 'image', spec.image),
    pool:
      spec.storagePool === '' ? '' : fields.name(`${at}.spec.storage_pool`, 'storage pool', spec.storagePool),
    extras: wantedExtras(fields, `${at}.spec.extras`, spec.extras),
    ...wantedLayout(fields, `${at}.spec`, spec),
    placement: placementIn(fields, `${at}.placement`, placement),
  };
}

export function policyIn(fields: Fields, at: string, policy: VmPolicy__Output | null): VmPolicy {
  if (policy === null) return plainPolicy;
  const onLeaseLoss = fields.choice(`${at}.on_lease_loss`, policy.onLeaseLoss, leaseLossPolicies);
  const onHostLoss = fields.choice(`${at}.on_host_loss`, policy.onHostLoss, hostLossPolicies);
  const onDrain = fields.choice(`${at}.on_drain`, policy.onDrain, drainPolicies);
  return {
    onGuestShutdown: fields.choice(`${at}.on_guest_shutdown`, policy.onGuestShutdown, guestShutdownPolicies),
    rebuildable: policy.rebuildable,
    ...(onHostLoss === 'restart' ? { onHostLoss } : {}),
    ...(onDrain === 'live_only' ? { onDrain } : {}),
    ...(onLeaseLoss === 'stop' ? { onLeaseLoss } : {}),
  };
}
