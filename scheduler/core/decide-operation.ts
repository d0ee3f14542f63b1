/** Decisions about operations, and about the federation as a whole: who leads it, and whether it is recovering. */
import type { Change } from './changes.js';
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { isProtected, isRecovering } from './decide-vm.js';
import type { Fault, Host, Move, Operation, Vm, VmState } from './model.js';
import { callOff, tooLate } from './moves/decide-settle.js';
import { notFound, type Refusal, refuse } from './refusal.js';
import { resizeBack } from './resize.js';
import type { State } from './state.js';
import { desiredChange, endOperation } from './vm-changes.js';

/** A scheduler begins to lead: the epoch rises, and every host is silent until its agent says hello. */
export function openFederation(state: State, command: CommandOf<'federation.open'>): Decision<null> {
  const { incarnation, counter } = state.federation.epoch;
  const epoch =
    command.incarnation > incarnation
      ? { incarnation: command.incarnation, counter: 1, instance: command.instance }
      : { incarnation, counter: counter + 1, instance: command.instance };
  return {
    changes: [{ type: 'federation.opened', epoch, name: command.name, hostsUnheard: true }],
    reply: () => null,
  };
}

/** A jump is written down once, however long it stands and the clock drifts on. */
export function noteClock({ federation }: State, { jumpMs }: CommandOf<'clock.note'>): Decision<null> {
  const stands = federation.clockJump !== undefined;
  if (stands === (jumpMs !== 0)) return { changes: [], reply: () => null };
  return { changes: [{ type: 'clock.jumped', byMs: jumpMs === 0 ? null : jumpMs }], reply: () => null };
}

export function enterRecovery(state: State, command: CommandOf<'recovery.enter'>): Decision<null> {
  const fresh = command.sites.filter((site) => !state.federation.recoveringSites.includes(site));
  if (fresh.length === 0) return { changes: [], reply: () => null };
  return {
    changes: [{ type: 'recovery.entered', sites: fresh, reason: command.reason }],
    reply: () => null,
  };
}

export function endRecovery(state: State, command: CommandOf<'recovery.end'>): Decision<null> {
  if (!state.sites.has(command.site)) return { refusal: notFound('site', command.site) };
  if (!state.federation.recoveringSites.includes(command.site)) {
    return {
      refusal: refuse('precondition', 'NOT_RECOVERING', `site "${command.site}" is not in recovery`),
    };
  }
  const unknown = command.force === true ? [] : hostsNotReady(state, command.site);
  if (unknown.length > 0) return { refusal: notReady(command.site, unknown) };
  return { changes: [{ type: 'recovery.ended', site: command.site }], reply: () => null };
}

/** Of a site, by id: what they have is not all known, and may be what this journal has elsewhere. */
function hostsNotReady({ hosts }: State, site: string): Host[] {
  const known: ReadonlySet<Host['state']> = new Set(['ready', 'quarantined', 'retired']);
  return [...hosts.values()]
    .filter((host) => host.site === site && !known.has(host.state))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

const hostsNamed = 5;

function notReady(site: string, hosts: readonly Host[]): Refusal {
  const named = hosts.slice(0, hostsNamed).map(({ id, state }) => `${id} (${state})`);
  const others = hosts.length - named.length;
  const those = `${named.join(', ')}${others === 0 ? '' : ` and ${others} more`}`;
  return refuse(
    'precondition',
    'HOSTS_NOT_READY',
    `nobody knows yet what these hosts of site "${site}" run: ${those}; it may be started a second time elsewhere, or lose its disk. Wait until they are ready, or see that they are off and end the recovery with --force`,
    { hosts: `${hosts.length}` },
  );
}

/**
 * Stops pursuing an operation's goal. VMs of a create that do not run yet are deleted; an order to a VM that exists
 * is turned back to what the VM was seen to be.
 */
export function cancelOperation(state: State, command: CommandOf<'operation.cancel'>): Decision<Operation> {
  const operation = state.operations.get(command.id);
  if (operation === undefined) return { refusal: notFound('operation', command.id) };
  if (operation.state !== 'running') {
    return {
      refusal: refuse(
        'precondition',
        'OPERATION_ENDED',
        `operations/${operation.id} has already ended: ${operation.state}`,
        { state: operation.state },
      ),
    };
  }
  if (operation.verb === 'delete') {
    return {
      refusal: refuse(
        'precondition',
        'NOT_CANCELLABLE',
        'a deletion cannot be cancelled once it is acknowledged',
      ),
    };
  }
  if (operation.verb === 'adopt') {
    return {
      refusal: refuse(
        'precondition',
        'NOT_CANCELLABLE',
        'an adoption cannot be cancelled: the VM is on its host already; whoever does not want it deletes it',
      ),
    };
  }
  const cancelled: Change = {
    type: 'operation.cancelled',
    id: operation.id,
    message: 'cancelled by the caller',
  };
  if (operation.verb === 'migrate') return cancelMove(state, operation, cancelled);
  const changes: Change[] = [cancelled];
  for (const uid of operation.targets) {
    const vm = state.vms.get(uid);
    if (vm === undefined || vm.operation !== operation.id) continue;
    const recovering = isRecovering(state, vm);
    if (recovering) return { refusal: recovering };
    if (operation.verb === 'create' && vm.state !== 'running') {
      if (vm.deletionProtection) return { refusal: isProtected(vm) };
      changes.push(desiredChange(vm, 'deleted'));
    } else if (operation.verb === 'start' && onItsWayUp.has(vm.state)) {
      changes.push(desiredChange(vm, 'stopped'));
    } else if (operation.verb === 'stop' && vm.state === 'running') {
      changes.push(desiredChange(vm, 'running'));
    } else if (operation.verb === 'resize') {
      changes.push(...resizeBack(vm));
    }
  }
  return { changes, reply: () => operation };
}

/** Those of a VM that was off. What has crashed, or is not seen, may have been meant to run all along. */
const onItsWayUp: ReadonlySet<VmState> = new Set<VmState>(['placed', 'preparing', 'starting', 'stopped']);

/** How long an operation may take, unless it is set. */
export const usualOperationLimitMs = 3600_000;

/**
 * Nobody waits for ever: what has not come to an end is told as such. The order itself stands, with everything that the VM holds,
 * for a host that has said nothing may carry it out yet (PROTOCOL O6).
 */
export function timeOutOperation(
  state: State,
  { id, limitMs }: CommandOf<'operation.time_out'>,
  nowMs: number,
): Decision<Operation> {
  const operation = state.operations.get(id);
  if (operation === undefined) return { refusal: notFound('operation', id) };
  const changes: Change[] = [];
  for (const vm of overdueTargets(state, operation, limitMs, nowMs)) {
    const fault = overdue(vm, operation, nowMs);
    changes.push(...endOperation(vm, fault), ...calledOff(state, vm, operation, fault));
  }
  return { changes, reply: () => operation };
}

/** The VMs of which an operation that runs waits for too long. */
export function* overdueTargets(
  state: State,
  operation: Operation,
  limitMs: number,
  nowMs: number,
): Generator<Vm> {
  if (operation.state !== 'running') return;
  for (const uid of operation.targets) {
    const vm = state.vms.get(uid);
    if (vm?.operation === operation.id && isOverdue(state, vm, operation, limitMs, nowMs)) yield vm;
  }
}

/** Of these a guest that shuts itself down has its time. */
const graceful: ReadonlySet<Operation['verb']> = new Set(['stop', 'delete', 'reboot', 'resize', 'migrate']);

/** Whether a VM's part of an operation takes too long. Nothing can come of it in a recovery, after which its time begins anew. */
function isOverdue(
  state: State,
  vm: Vm,
  { verb, createdMs }: Operation,
  limitMs: number,
  nowMs: number,
): boolean {
  const { recoveringSites, recoveredMs = {} } = state.federation;
  const site = state.hosts.get(vm.host ?? '')?.site ?? '';
  if (recoveringSites.includes(site)) return false;
  const graceS = vm.move?.graceSeconds ?? vm.stopGraceSeconds;
  const beganMs = Math.max(createdMs, recoveredMs[site] ?? 0);
  return nowMs - beganMs > limitMs + (graceful.has(verb) ? graceS * 1000 : 0);
}

/** A move ends, as far as it can, and a resize is turned back, as when they are cancelled: no later order could. */
function calledOff(state: State, vm: Vm, { verb }: Operation, fault: Fault): Change[] {
  if (vm.move !== undefined) return moveCalledOff(state, vm, vm.move, fault) ?? [];
  return verb === 'resize' ? resizeBack(vm) : [];
}

function overdue({ fault }: Vm, { verb, createdMs }: Operation, nowMs: number): Fault {
  const minutes = Math.floor((nowMs - createdMs) / 60_000);
  const last = fault === null ? '' : `; the last that was heard: ${fault.message}`;
  const after =
    verb === 'migrate' || verb === 'resize'
      ? 'It is called off'
      : `The order (${verb}) stands, and is carried out as soon as the VM's host can; another order takes its place`;
  const message = `nothing has come of it within ${minutes} minutes${last}. ${after}`;
  return { code: 4, reason: 'OPERATION_TIMED_OUT', message };
}

/** One VM moves in an operation. What is cancelled while it is handed over ends when it is known where it is. */
function cancelMove(state: State, operation: Operation, cancelled: Change): Decision<Operation> {
  const vm = state.vms.get(operation.targets[0] ?? '');
  if (vm?.move === undefined || vm.operation !== operation.id) {
    return { changes: [cancelled], reply: () => operation };
  }
  const recovering = isRecovering(state, vm);
  if (recovering) return { refusal: recovering };
  const fault = { code: 1, reason: 'CANCELLED', message: 'it was cancelled' };
  const changes = moveCalledOff(state, vm, vm.move, fault);
  if (changes === null) return { refusal: tooLate(vm, vm.move) };
  return { changes: [cancelled, ...changes], reply: () => operation };
}

/** As `callOff`, of a move whose operation is ended apart from it. */
function moveCalledOff(state: State, vm: Vm, move: Move, fault: Fault): Change[] | null {
  const changes = callOff(state, vm, move, fault);
  return changes?.filter(({ type }) => type !== 'operation.target_ended') ?? null;
}
