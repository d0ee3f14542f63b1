/** Decisions about VMs of a host that is off: each is started elsewhere by the one checker, or it is said why not. */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import type { Fault, Host, Vm } from '../model.js';
import type { Explanation } from '../placement/explanation.js';
import { obstacle } from '../moves/obstacles.js';
import { type Place, place } from '../placement/placement.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { endOperation, placedChange, waitsChange, whereOf } from '../vm-changes.js';
import {
  bindsItToItsHost,
  isEvacuee,
  isLeft,
  notFenced,
  paceOf,
  requestElsewhere,
  whyNowhere,
} from './evacuation.js';
import { boundTogether, placeTogether } from './together.js';

const resourceExhausted = 8;

/** `others` are those that leave with it. */
type Evacuated = { vm: Vm; moved: boolean; others: Vm[] };

/**
 * Gives a VM of a host that is proven not to run it another one, under a new term; and with it those that have to be where it is, when
 * it finds no place without them.
 */
export function evacuateVm(
  state: State,
  { uid }: CommandOf<'vm.evacuate'>,
  nowMs: number,
): Decision<Evacuated> {
  const vm = state.vms.get(uid);
  if (vm === undefined) return { refusal: notFound('VM', `vms/${uid}`) };
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  if (host === undefined || !isEvacuee(host, vm)) return { refusal: mayNotLeave(vm) };
  if (state.federation.recoveringSites.includes(host.site)) return { refusal: mayNotLeave(vm) };
  // Where a VM is that was being handed over, the other host has to say first.
  if (vm.move?.mode === 'live') return { changes: [], reply: () => ({ vm, moved: false, others: [] }) };
  const bound = bindsItToItsHost(state, vm);
  if (bound !== null) return waits(vm, bound);
  const request = requestElsewhere(state, vm);
  if (request === null) return { refusal: notFound('image', vm.spec.imageUid) };
  const placed = place(state, request);
  if (!placed.noHost)
    return { changes: leavesFor(state, vm, host, placed), reply: () => ({ vm, moved: true, others: [] }) };
  const together = leaveTogether(state, vm, host, nowMs);
  if (together === null) return waits(vm, noRoom(placed.noHost));
  const { changes, others } = together;
  return { changes, reply: () => ({ vm, moved: true, others }) };
}

function leavesFor(state: State, vm: Vm, host: Host, place: Place): Change[] {
  const leaves = { host: host.id, keepVolumes: vm.spec.pool !== '' };
  return [{ ...placedChange(state, vm, whereOf(place), []), leaves }, ...endsMigration(state, vm, host)];
}

/** The changes that take a VM elsewhere with all that have to be where it is; null when one of these cannot leave. */
function leaveTogether(
  state: State,
  vm: Vm,
  host: Host,
  nowMs: number,
): { changes: Change[]; others: Vm[] } | null {
  const vms = boundTogether(state, vm, host);
  const mayLeave = (other: Vm) =>
    isEvacuee(host, other) && other.move?.mode !== 'live' && bindsItToItsHost(state, other) === null;
  if (vms.length === 1 || !vms.every(mayLeave)) return null;
  const requests = vms.map((other) => requestElsewhere(state, other)).filter((one) => one !== null);
  if (requests.length < vms.length) return null;
  const places = placeTogether(state, vms, requests, nowMs);
  if (places === null) return null;
  const changes = vms.flatMap((other, index) => leavesFor(state, other, host, places[index] as Place));
  return { changes, others: vms.slice(1) };
}

/** Whoever has moved it here waits for it on this host, and may find it where it was before. */
function endsMigration(state: State, vm: Vm, { id }: Host): Change[] {
  const verb = vm.operation === null ? undefined : state.operations.get(vm.operation)?.verb;
  const hasArrived = vm.move === undefined || vm.move.phase === 'arriving';
  if (verb !== 'migrate' || !hasArrived) return [];
  return endOperation(vm, obstacle('HOST_GONE', `it had got to ${id}, which is off: it restarts elsewhere`));
}

/** Lets the VMs of a fenced host go at once, after a human has looked. */
export function evacuateHost(state: State, { id }: CommandOf<'host.evacuate'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (!isLeft(host)) return { refusal: notFenced(host) };
  return paced(host, 'now');
}

/**
 * The watchdog rule (F1): the caller has waited for the lease's end, as counted here, and two time-outs more. The host's agent
 * has said that its watchdog is armed, and nothing since.
 */
export function proveStopped(state: State, { id }: CommandOf<'host.stop_proven'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  const recovering = state.federation.recoveringSites.includes(host.site);
  if (host.state !== 'lost' || host.watchdog?.armed !== true || recovering) {
    return {
      refusal: refuse('precondition', 'NOT_PROVEN', `nothing proves that VMs of host "${id}" have stopped`),
    };
  }
  if (host.stopProof !== undefined) return { changes: [], reply: () => host };
  return { changes: [{ type: 'host.stop_proven', id }], reply: () => host };
}

/** Many hosts of the site were lost together: it goes slowly, and a human is asked (PROTOCOL F3). */
export function slowEvacuation(state: State, { id }: CommandOf<'host.slow'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (paceOf(host) !== undefined) return { changes: [], reply: () => host };
  return paced(host, 'slow');
}

function paced(host: Host, pace: 'slow' | 'now'): Decision<Host> {
  const { id, state, fence } = host;
  if (!isLeft(host) || paceOf(host) === pace) return { changes: [], reply: () => host };
  if (state === 'fenced' && fence !== undefined) {
    return { changes: [{ type: 'host.fence', id, fence: { ...fence, pace } }], reply: () => host };
  }
  return { changes: [{ type: 'host.stop_proven', id, pace }], reply: () => host };
}

function waits(vm: Vm, fault: Fault): Decision<Evacuated> {
  return { changes: waitsChange(vm, fault), reply: () => ({ vm, moved: false, others: [] }) };
}

function noRoom(explanation: Explanation): Fault {
  const why = whyNowhere(explanation);
  return {
    code: resourceExhausted,
    reason: 'NO_HOST',
    message: `its host is off, and no other can take it now (${why}); it is tried again`,
  };
}

function mayNotLeave({ uid }: Vm): Refusal {
  return refuse(
    'precondition',
    'NOT_TO_LEAVE',
    `nothing proves that the host of VM ${uid} does not run it, or it is not to restart elsewhere`,
  );
}
