/** Decisions about VMs that exist: what they should be from now on. */
import type { Change } from './changes.js';
import type { CommandOf, VmRef } from './commands.js';
import type { Decision } from './decide.js';
import { creationsPerDecision, poolIsFull } from './decide-vm-create.js';
import { staleEtag } from './etag.js';
import { diskIsGone } from './elsewhere/destroyed.js';
import { hasItsOnlyDiskThere } from './elsewhere/evacuation.js';
import { refuseSecondCopy } from './elsewhere/second-copy.js';
import { isSettled, lastKnownState, type Order, orders } from './lifecycle/vm.js';
import type { Move, Operation, OperationVerb, PowerState, Resources, Vm, VmSpec } from './model.js';
import { refuseOne } from './placement/no-host.js';
import { layoutOf, misfits } from './placement/numa/layout.js';
import { shortOfLayout } from './placement/numa/growth.js';
import { place } from './placement/placement.js';
import { holdsOf, requestForMove } from './placement/request.js';
import { priorityOf } from './priority.js';
import { notFound, type Refusal, refuse } from './refusal.js';
import { cannotBe, resizedChange } from './resize.js';
import {
  hasGivenUp,
  heldBy,
  heldOnHost,
  heldSpec,
  heldWithExtras,
  needsOnHost,
  type State,
} from './state.js';
import { defaultClass } from './tenancy/residency.js';
import { refuseClass, refuseEnlarging, refuseGrowth, refuseStart, suspendedAbove } from './tenancy/stay.js';
import { desiredChange, here, newOperation, placedChange, whereOf } from './vm-changes.js';

type VmAndOperation = { vm: Vm; operation: Operation };

export function updateVm(state: State, command: CommandOf<'vm.update'>, nowMs: number): Decision<Vm> {
  const found = find(state, command.vm, command.etag);
  if (found.refusal) return found;
  const { vm } = found;
  if (vm.desired === 'deleted') return { refusal: isBeingDeleted(vm) };
  const { dataClass } = command;
  if (dataClass !== undefined) {
    if (!state.tenancy.classes.has(dataClass)) return { refusal: notFound('data class', dataClass) };
    const unlawful = dataClass === (vm.dataClass ?? defaultClass) ? null : refuseClass(state, vm, dataClass);
    if (unlawful) return { refusal: unlawful };
  }
  const policy = command.policy ?? vm.policy;
  const policyChanges = JSON.stringify(policy) !== JSON.stringify(vm.policy);
  // Its host, which has refused it, tries it again by whatever newer word.
  const isTriedAgain = policyChanges && vm.state === 'failed' && vm.host !== null && vm.desired === 'running';
  const forbidden = isTriedAgain ? (refuseStart(state, vm, nowMs) ?? refuseSecondCopy(state, vm)) : null;
  if (forbidden) return { refusal: forbidden };
  return {
    changes: [
      {
        type: 'vm.updated',
        uid: vm.uid,
        title: command.title ?? vm.title,
        labels: command.labels ?? vm.labels,
        policy,
        deletionProtection: command.deletionProtection ?? vm.deletionProtection,
        priority: command.priority ?? priorityOf(vm),
        ...(dataClass === undefined ? {} : { dataClass }),
        generation: policyChanges ? vm.generation + 1 : vm.generation,
      },
    ],
    reply: () => vm,
  };
}

export function resizeVm(
  state: State,
  command: CommandOf<'vm.resize'>,
  nowMs: number,
): Decision<VmAndOperation> {
  const found = find(state, command.vm, command.etag, 'resize');
  if (found.refusal) return found;
  const { vm } = found;
  if (vm.operation !== null) return { refusal: isBusy(vm) };
  const spec = {
    ...vm.spec,
    vcpus: command.vcpus || vm.spec.vcpus,
    memoryMib: command.memoryMib || vm.spec.memoryMib,
    diskMib: command.diskMib || vm.spec.diskMib,
  };
  const cannot = cannotBe(vm, spec);
  if (cannot) return { refusal: cannot };
  const layout = layoutOf(spec);
  const violations = layout === undefined ? [] : misfits(layout);
  if (violations.length > 0) {
    const sentence = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
    return { refusal: { ...refuse('invalid', 'SIZE_MISFITS', sentence), violations } };
  }
  const resized = resizedChange(vm, spec);
  const after = { ...vm, spec, sizeBefore: resized.sizeBefore };
  const exceeds =
    refuseGrowth(state, vm, heldWithExtras(after)) ?? (grows(vm, spec) ? refuseEnlarging(state, vm) : null);
  if (exceeds) return { refusal: exceeds };
  const lacks = lacksRoom(state, vm, heldOnHost(after), heldSpec(after), 'grow');
  if (lacks) return { refusal: lacks };
  const moreDiskMib = heldBy(after).diskMib - heldBy(vm).diskMib;
  const full = spec.pool === '' ? null : poolIsFull(state, spec.pool, moreDiskMib);
  if (full) return { refusal: full };
  return withOperation(state, vm, 'resize', command.operation, nowMs, [resized]);
}

function grows({ spec: before }: Vm, after: VmSpec): boolean {
  return after.vcpus > before.vcpus || after.memoryMib > before.memoryMib || after.diskMib > before.diskMib;
}

/** Whether its host has too little room for the VM to hold this instead of what it holds now. */
function lacksRoom(state: State, vm: Vm, after: Resources, spec: VmSpec, verb: string): Refusal | null {
  const row = vm.host === null ? undefined : state.hostTable.row(vm.host);
  if (row === undefined) return refuse('precondition', 'NO_HOST', 'no host has it');
  const before = heldOnHost(vm);
  const table = state.hostTable;
  const short: string[] = [];
  const lacking: string[] = [];
  const check = (name: string, free: number, more: number) => {
    if (more <= 0 || more <= free) return;
    short.push(`${name}: ${more} more needed, ${Math.max(free, 0)} free`);
    lacking.push(name);
  };
  check('vCPUs', table.freeVcpus[row] as number, after.vcpus - before.vcpus);
  check('memory MiB', table.freeMemoryMib[row] as number, after.memoryMib - before.memoryMib);
  check('disk MiB', table.freeDiskMib[row] as number, after.diskMib - before.diskMib);
  const ofLayout = shortOfLayout(state.hostTable, row, vm, spec);
  short.push(...ofLayout);
  if (ofLayout.length > 0) lacking.push('hugepages or NUMA cells');
  if (short.length > 0) {
    const words = short.join('; ');
    const of = { kind: 'host' as const, id: vm.host ?? '' };
    return {
      ...refuse('exhausted', 'NO_ROOM', `host "${vm.host}" has no room for it to ${verb} (${words})`),
      confidential: [{ of, words, instead: `it lacks ${lacking.join(', ')}` }],
    };
  }
  return null;
}

export function startVm(
  state: State,
  command: CommandOf<'vm.start'>,
  nowMs: number,
): Decision<VmAndOperation> {
  const found = find(state, command.vm, command.etag, 'start');
  if (found.refusal) return found;
  const { vm } = found;
  if (vm.host === null) return startElsewhere(state, vm, command.operation, nowMs);
  const pending = pendingFor(state, vm, 'running');
  if (pending) return { changes: [], reply: () => ({ vm, operation: pending }) };
  // What runs is only told to go on.
  const second = vm.state === 'running' ? null : refuseSecondCopy(state, vm);
  const forbidden = refuseStart(state, vm, nowMs) ?? second;
  if (forbidden) return { refusal: forbidden };
  const changes: Change[] = [];
  if (hasGivenUp(vm)) {
    const spec = heldSpec(vm);
    const lacks =
      refuseGrowth(state, vm, holdsOf(spec)) ??
      lacksRoom(state, vm, needsOnHost(spec), spec, 'start: it has given up what it had');
    if (lacks) return { refusal: lacks };
    changes.push({ type: 'vm.returned', uid: vm.uid });
  }
  // A vanished domain may be made anew only under a new term; it is the same machine, so no copy is elsewhere.
  if (vm.state === 'missing') changes.push(placedChange(state, vm, here(vm, vm.host), []));
  changes.push(desiredChange(vm, 'running'));
  return withOperation(state, vm, 'start', command.operation, nowMs, changes);
}

export function stopVm(state: State, command: CommandOf<'vm.stop'>, nowMs: number): Decision<VmAndOperation> {
  const found = find(state, command.vm, command.etag, 'stop');
  if (found.refusal) return found;
  const { vm } = found;
  const pending = pendingFor(state, vm, 'stopped');
  // Pulling the plug on a guest that takes its time is a new order; asking twice is not.
  const harder = command.mode === 'force' && vm.stopMode !== 'force';
  if (pending && !harder) return { changes: [], reply: () => ({ vm, operation: pending }) };
  const stop = { stopMode: command.mode, stopGraceSeconds: command.graceSeconds };
  return withOperation(state, vm, 'stop', command.operation, nowMs, [desiredChange(vm, 'stopped', stop)]);
}

export function rebootVm(
  state: State,
  command: CommandOf<'vm.reboot'>,
  nowMs: number,
): Decision<VmAndOperation> {
  const found = find(state, command.vm, command.etag, 'reboot');
  if (found.refusal) return found;
  const { vm } = found;
  if (vm.operation !== null) return { refusal: isBusy(vm) };
  // An order to stop stands also when its operation has taken too long.
  if (vm.desired === 'stopped') return { refusal: wrongState(vm, 'reboot', 'it is to stop; start it first') };
  return withOperation(state, vm, 'reboot', command.operation, nowMs, [
    {
      type: 'vm.reboot_ordered',
      uid: vm.uid,
      // Its host may have counted some that a restored journal has forgotten.
      rebootCount: Math.max(vm.rebootCount, vm.observedRebootCount) + 1,
      mode: command.mode,
      generation: vm.generation + 1,
    },
  ]);
}

export function deleteVm(
  state: State,
  command: CommandOf<'vm.delete'>,
  nowMs: number,
): Decision<VmAndOperation> {
  const found = find(state, command.vm, command.etag);
  if (found.refusal) return found;
  const { vm } = found;
  if (vm.deletionProtection) return { refusal: isProtected(vm) };
  if (vm.move !== undefined) return { refusal: isMoving(vm, vm.move) };
  const used = vm.spec.pool === '' ? null : refuseSecondCopy(state, vm, 'delete');
  if (used) return { refusal: used };
  const under = vm.operation === null ? undefined : state.operations.get(vm.operation);
  if (vm.desired === 'deleted' && under) return { changes: [], reply: () => ({ vm, operation: under }) };
  const decision = withOperation(state, vm, 'delete', command.operation, nowMs, [
    desiredChange(vm, 'deleted'),
  ]);
  // Without a host there is nothing to take away.
  if (vm.host === null && !decision.refusal) {
    decision.changes.push(
      { type: 'operation.target_ended', id: command.operation, uid: vm.uid, fault: null },
      { type: 'vm.removed', uid: vm.uid },
    );
  }
  return decision;
}

/** Places a VM that no host has, under a new term. */
function startElsewhere(state: State, vm: Vm, operation: string, nowMs: number): Decision<VmAndOperation> {
  const forbidden = suspendedAbove(state, vm.administration) ?? refuseSecondCopy(state, vm);
  if (forbidden) return { refusal: forbidden };
  if (hasItsOnlyDiskThere(vm))
    return { refusal: refuse('precondition', diskIsGone.reason, diskIsGone.message) };
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image === undefined) return { refusal: notFound('image', vm.spec.imageUid) };
  if (vm.spec.pool !== '') {
    const full = poolIsFull(state, vm.spec.pool, vm.spec.diskMib);
    if (full) return { refusal: full };
  }
  const request = {
    ...requestForMove(state, vm, image.architecture, []),
    leastDiskMib: image.virtualSizeMib,
  };
  const placed = place(state, request);
  if (placed.noHost) {
    return { refusal: refuseOne(state, request, placed.noHost, vm.spec, vm.id) };
  }
  return withOperation(state, vm, 'start', operation, nowMs, [
    placedChange(state, vm, whereOf(placed), []),
    desiredChange(vm, 'running'),
  ]);
}

/**
 * Starts an operation for an order. An order that is under way for the VM is superseded: levels, not edges, so the
 * newest order alone says what should be. An order that is fulfilled already is said again all the same, and ends when
 * the agent has confirmed it: what was seen last may not be so any more.
 */
export function withOperation(
  state: State,
  vm: Vm,
  verb: OperationVerb,
  id: string,
  nowMs: number,
  changes: Change[],
): { changes: Change[]; reply: () => VmAndOperation; refusal?: undefined } {
  const superseded = vm.operation === null ? undefined : state.operations.get(vm.operation);
  const before: Change[] = [];
  if (superseded?.state === 'running') {
    const message = `superseded by operations/${id} (${verb})`;
    before.push(
      superseded.targets.length === 1
        ? { type: 'operation.cancelled', id: superseded.id, message }
        : {
            type: 'operation.target_ended',
            id: superseded.id,
            uid: vm.uid,
            fault: { code: 1, reason: 'SUPERSEDED', message },
          },
    );
  }
  const sequence = (state.sequence + 1) * creationsPerDecision;
  const operation = newOperation(id, verb, vm.administration, [vm.uid], sequence, nowMs);
  return {
    changes: [...before, ...changes, { type: 'operation.started', operation }],
    reply: () => ({ vm, operation }),
  };
}

/** The operation that already brings the VM to this power state, if there is one. */
function pendingFor(state: State, vm: Vm, desired: PowerState): Operation | null {
  if (vm.operation === null || vm.desired !== desired) return null;
  const operation = state.operations.get(vm.operation);
  return operation?.state === 'running' ? operation : null;
}

/** The VM of a reference, if the caller's etag is current and its state takes the order. */
export function find(
  state: State,
  ref: VmRef,
  etag: string,
  order?: Order,
): { vm: Vm; refusal?: undefined } | { refusal: Refusal } {
  const vm = lookUp(state, ref);
  if (vm === undefined) {
    const name = 'uid' in ref ? `vms/${ref.uid}` : `administrations/${ref.administration}/vms/${ref.id}`;
    return { refusal: notFound('VM', name) };
  }
  const stale = staleEtag(etag, vm.revision);
  if (stale) return { refusal: stale };
  const recovering = isRecovering(state, vm);
  if (recovering) return { refusal: recovering };
  if (order === undefined) return { vm };
  if (vm.desired === 'deleted') return { refusal: isBeingDeleted(vm) };
  if (vm.move !== undefined) return { refusal: isMoving(vm, vm.move) };
  const verdict = orders[vm.state][order];
  if (verdict === true) return { vm };
  return { refusal: wrongState(vm, order, verdict) };
}

function wrongState(vm: Vm, order: Order, why: string): Refusal {
  return refuse('precondition', 'WRONG_STATE', `cannot ${order} VM "${vm.id}": ${why}`, {
    state: lastKnownState(vm),
  });
}

export function lookUp(state: State, ref: VmRef): Vm | undefined {
  return 'uid' in ref ? state.vms.get(ref.uid) : state.vmByName(ref.administration, ref.id);
}

/** A refusal while the VM's site is in recovery: nothing is started or deleted there (PROTOCOL E2). */
export function isRecovering(state: State, vm: Vm): Refusal | null {
  const site = vm.host === null ? undefined : state.hosts.get(vm.host)?.site;
  if (site === undefined || !state.federation.recoveringSites.includes(site)) return null;
  return refuse(
    'precondition',
    'SITE_RECOVERING',
    `site "${site}" is in recovery (${state.federation.recoveryReason}); an operator ends it with: secovia federation end-recovery ${site}`,
  );
}

export function isProtected(vm: Vm): Refusal {
  return refuse(
    'precondition',
    'DELETION_PROTECTED',
    `VM "${vm.id}" is protected from deletion; take the protection off first (vm update --no-deletion-protection)`,
  );
}

function isBeingDeleted(vm: Vm): Refusal {
  return refuse('precondition', 'BEING_DELETED', `VM "${vm.id}" is being deleted`);
}

/** One order at a time (PROTOCOL O6): where it is, is known when it has arrived or stays. */
function isMoving({ id, operation }: Vm, { phase }: Move): Refusal {
  const way = phase === 'arriving' ? 'has just got another host' : 'is on its way to another host';
  const what = operation === null ? 'wait a moment' : `wait for operations/${operation}, or cancel it`;
  return refuse('precondition', 'OPERATION_UNDER_WAY', `VM "${id}" ${way}; ${what}`, {
    ...(operation === null ? {} : { operation: `operations/${operation}` }),
  });
}

export function isBusy(vm: Vm): Refusal {
  return refuse(
    'precondition',
    'OPERATION_UNDER_WAY',
    `operations/${vm.operation} is under way for VM "${vm.id}"; wait for it, or cancel it`,
    { operation: `operations/${vm.operation}`, settled: String(isSettled(vm)) },
  );
}
