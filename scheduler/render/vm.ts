/** A VM and an operation as messages. */
import type { Operation as OperationMessage } from '../../proto/gen/secovia/v1/Operation.js';
import type { OperationState__Output as OperationStateName } from '../../proto/gen/secovia/v1/OperationState.js';
import type { Vm as VmMessage } from '../../proto/gen/secovia/v1/Vm.js';
import type { VmPolicy as VmPolicyMessage } from '../../proto/gen/secovia/v1/VmPolicy.js';
import type { VmPriority__Output as VmPriorityName } from '../../proto/gen/secovia/v1/VmPriority.js';
import type { VmSpec as VmSpecMessage } from '../../proto/gen/secovia/v1/VmSpec.js';
import type { VmState__Output as VmStateName } from '../../proto/gen/secovia/v1/VmState.js';
import { restartsElsewhere } from '../core/elsewhere/evacuation.js';
import { whyHeldBack } from '../core/elsewhere/held-back.js';
import { etagOf } from '../core/etag.js';
import { lastKnownState, type ShownState, shownState } from '../core/lifecycle/vm.js';
import type {
  Fault,
  Host,
  Operation,
  OperationState,
  Priority,
  Vm,
  VmPolicy,
  VmSpec,
} from '../core/model.js';
import { priorityOf } from '../core/priority.js';
import { waitsForRestart } from '../core/resize.js';
import { isSameSize, sizeOf } from '../core/sizes.js';
import { heldSpec, type State } from '../core/state.js';
import { moveMessage, moveProgress } from './moves.js';
import { nameOf, vmName } from './names.js';
import { defaultClass } from '../core/tenancy/residency.js';
import { breachOf } from '../core/tenancy/stay.js';
import { statusMessage, timestamp } from './basics.js';
import { placementMessage } from './vm-placement.js';

export const vmStateNames: Record<ShownState, VmStateName> = {
  placed: 'VM_STATE_PLACED',
  preparing: 'VM_STATE_PREPARING',
  starting: 'VM_STATE_STARTING',
  running: 'VM_STATE_RUNNING',
  stopping: 'VM_STATE_STOPPING',
  stopped: 'VM_STATE_STOPPED',
  deleting: 'VM_STATE_DELETING',
  paused: 'VM_STATE_PAUSED',
  crashed: 'VM_STATE_CRASHED',
  missing: 'VM_STATE_MISSING',
  failed: 'VM_STATE_FAILED',
  unknown: 'VM_STATE_UNKNOWN',
};

export const priorityNames: Record<Priority, VmPriorityName> = {
  spare: 'VM_PRIORITY_SPARE',
  low: 'VM_PRIORITY_LOW',
  normal: 'VM_PRIORITY_NORMAL',
  high: 'VM_PRIORITY_HIGH',
  critical: 'VM_PRIORITY_CRITICAL',
};

const operationStateNames: Record<OperationState, OperationStateName> = {
  running: 'OPERATION_STATE_RUNNING',
  succeeded: 'OPERATION_STATE_SUCCEEDED',
  failed: 'OPERATION_STATE_FAILED',
  cancelled: 'OPERATION_STATE_CANCELLED',
};

/** Targets shown in an operation; their number is always exact. */
const shownTargets = 100;

export function shownStateOf(state: State, vm: Vm): ShownState {
  return shownState(vm, vm.host === null ? undefined : state.hosts.get(vm.host)?.state);
}

export function policyMessage(policy: VmPolicy): VmPolicyMessage {
  return {
    onLeaseLoss: policy.onLeaseLoss === 'stop' ? 'LEASE_LOSS_POLICY_STOP' : 'LEASE_LOSS_POLICY_KEEP',
    onGuestShutdown:
      policy.onGuestShutdown === 'restart'
        ? 'GUEST_SHUTDOWN_POLICY_RESTART'
        : 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED',
    rebuildable: policy.rebuildable,
    onHostLoss: policy.onHostLoss === 'restart' ? 'HOST_LOSS_POLICY_RESTART' : 'HOST_LOSS_POLICY_WAIT',
    onDrain: policy.onDrain === 'live_only' ? 'DRAIN_POLICY_LIVE_ONLY' : 'DRAIN_POLICY_RESTART',
  };
}

export function specMessage(state: State, spec: VmSpec): VmSpecMessage {
  const { vcpus, memoryMib, diskMib, imageUid, pool, extras, hugepageKib, numa } = spec;
  return {
    vcpus,
    memoryMib,
    diskMib,
    image: nameOf('image', state.imagesByUid.get(imageUid)?.id ?? imageUid),
    storagePool: pool === '' ? undefined : nameOf('storage pool', pool),
    extras,
    hugepageSizeKib: hugepageKib,
    numa,
  };
}

/** `removed` shows a VM that is gone as such. */
export function vmMessage(state: State, vm: Vm, removed = false): VmMessage {
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  const known = vmStateNames[lastKnownState(vm)];
  return {
    name: vmName(vm.administration, vm.id),
    uid: vm.uid,
    title: vm.title || undefined,
    labels: vm.labels,
    spec: specMessage(state, vm.spec),
    policy: policyMessage(vm.policy),
    placement: placementMessage(vm.placement),
    desiredPowerState: vm.desired === 'running' ? 'POWER_STATE_RUNNING' : 'POWER_STATE_STOPPED',
    state: removed ? 'VM_STATE_DELETED' : vmStateNames[shownState(vm, host?.state)],
    stateTime: timestamp(vm.stateMs),
    lastKnownState: removed ? 'VM_STATE_DELETED' : known,
    host: vm.host === null ? '' : nameOf('host', vm.host),
    site: host === undefined ? '' : nameOf('site', host.site),
    generation: vm.generation,
    observedGeneration: vm.observedGeneration,
    term: vm.term,
    deletionProtection: vm.deletionProtection,
    operation: vm.operation === null ? '' : nameOf('operation', vm.operation),
    error: statusMessage(vm.fault ?? whyHeldBack(vm) ?? unproven(vm, host)),
    etag: etagOf(vm.revision),
    createTime: timestamp(vm.createdMs),
    updateTime: timestamp(vm.updatedMs),
    numaCells: vm.numaCells,
    priority: priorityNames[priorityOf(vm)],
    displacedFor: vm.displacedFor === undefined ? '' : `vms/${vm.displacedFor}`,
    dataClass: nameOf('data class', vm.dataClass ?? defaultClass),
    agreement: vm.agreement === undefined ? '' : nameOf('agreement', vm.agreement),
    parked: vm.parked ?? false,
    move: removed ? null : moveMessage(vm),
    breachTime: removed ? null : timestamp(breachOf(state, vm)?.sinceMs ?? 0),
    ...sizesMessage(vm),
  };
}

/** Why one that should restart elsewhere does not, while its host is lost. */
function unproven(vm: Vm, host: Host | undefined): Fault | null {
  if (host?.state !== 'lost' || !restartsElsewhere(vm)) return null;
  return {
    code: 9,
    reason: 'NOT_PROVEN_OFF',
    message:
      'its host is lost, and nothing proves yet that it is off: until then it is not started elsewhere, or it might run twice; an operator of the host sees why: secovia host show',
  };
}

/** Of a VM that has the size of its specification, as nearly all have, there is nothing to say. */
function sizesMessage(vm: Vm): Pick<VmMessage, 'currentSize' | 'heldSize' | 'restartRequired'> | null {
  const { sizeBefore } = vm;
  if (sizeBefore === undefined) return null;
  const held = heldSpec(vm);
  return {
    currentSize: sizeBefore.returnTo === undefined ? sizeOf(sizeBefore) : null,
    restartRequired: waitsForRestart(vm),
    heldSize: isSameSize(held, vm.spec) ? null : sizeOf(held),
  };
}

type VmReader = (uid: string) => Vm | undefined;

export function operationMessage(
  state: State,
  operation: Operation,
  vmOf: VmReader = (uid) => state.vms.get(uid),
): OperationMessage {
  return {
    name: nameOf('operation', operation.id),
    verb: operation.verb,
    state: operationStateNames[operation.state],
    done: operation.state !== 'running',
    targets: operation.targets.slice(0, shownTargets).map((uid) => `vms/${uid}`),
    targetCount: operation.targets.length,
    succeededCount: operation.succeeded,
    failedCount: operation.failed,
    progress: progressOf(state, operation, vmOf),
    error:
      operation.state === 'failed' || operation.state === 'cancelled' ? statusMessage(operation.fault) : null,
    createTime: timestamp(operation.createdMs),
    endTime: timestamp(operation.endedMs),
  };
}

/** What an operation waits for: the first VM that has not got there. */
function progressOf(state: State, operation: Operation, vmOf: VmReader): string {
  if (operation.state !== 'running') return '';
  for (const uid of operation.targets) {
    const vm = vmOf(uid);
    if (vm === undefined || vm.operation !== operation.id) continue;
    const where = vm.host === null ? '' : ` on ${vm.host}`;
    const doing = vm.move === undefined ? '' : `: ${moveProgress(vm.move)}`;
    const why = vm.fault === null ? doing : `: ${vm.fault.message}`;
    return `${vm.administration}/${vm.id} is ${shownStateOf(state, vm)}${where}${why}`;
  }
  return '';
}
