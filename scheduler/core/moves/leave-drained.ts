/**
 * The decision that lets the next VM leave a host that is drained, and with it those that have to be where it is. It asks the checker
 * that chose their first host, and claims what they need elsewhere in the same change (PROTOCOL O5).
 */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { creationsPerDecision } from '../decide-vm-create.js';
import { boundTogether, placeTogether } from '../elsewhere/together.js';
import type { Fault, Host, MoveMode, Vm } from '../model.js';
import type { Explanation } from '../placement/explanation.js';
import type { Place } from '../placement/placement.js';
import type { PlacementRequest } from '../placement/request.js';
import { notFound, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { newOperation, waitsChange } from '../vm-changes.js';
import { begin, placeMoved, requestFor } from './decide-migrate.js';
import { cannotGoLive, cannotLeave, notSettled, obstacle } from './obstacles.js';

const resourceExhausted = 8;
/** How long a guest has to power itself off where nobody says. */
const graceSeconds = 60;

/** `others` are those that leave with it. */
type Left = { vm: Vm; moved: boolean; others: Vm[] };

/** Lets a VM leave a host that is drained; says of one that cannot what is in the way, once. */
export function drainVm(
  state: State,
  { uid, mode, operations, isLast }: CommandOf<'vm.drain'>,
  nowMs: number,
): Decision<Left> {
  const vm = state.vms.get(uid);
  if (vm === undefined) return { refusal: notFound('VM', `vms/${uid}`) };
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  if (host?.drain?.state !== 'active' || state.federation.recoveringSites.includes(host.site)) {
    return {
      refusal: refuse('precondition', 'NOT_DRAINED', `VM ${uid} is not on a host that is drained now`),
    };
  }
  const asked = askFor(state, vm, mode);
  if ('inTheWay' in asked) return waits(vm, asked.inTheWay);
  const { request, how } = asked;
  const placed = placeMoved(state, vm, request);
  if (!placed.noHost) {
    const changes = leaves(state, vm, placed, how, { operation: operations[0] ?? '', index: 0 }, nowMs);
    return { changes, reply: () => ({ vm, moved: true, others: [] }) };
  }
  const together = leaveTogether(state, vm, host, mode, operations, nowMs);
  if (together !== null) return together;
  // Another way is tried next, and what it says counts.
  return waits(vm, isLast ? noRoom(placed.noHost) : null);
}

/** How a VM would leave, and what for; or what is in its way, which is null when nothing new is to be said of that. */
function askFor(
  state: State,
  vm: Vm,
  mode: MoveMode,
): { request: PlacementRequest; how: MoveMode } | { inTheWay: Fault | null } {
  const isBusyNow = vm.operation !== null || vm.move !== undefined;
  if (isBusyNow || vm.desired === 'deleted') return { inTheWay: null };
  const unsettled = notSettled(vm);
  // What is said of it already says more.
  if (unsettled !== null) return { inTheWay: vm.fault === null ? unsettled : null };
  const how = vm.desired === 'running' ? mode : 'cold';
  const inTheWay = cannotLeave(state, vm) ?? (how === 'live' ? cannotGoLive(state, vm) : null);
  if (inTheWay !== null) return { inTheWay };
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image === undefined) return { inTheWay: obstacle('IMAGE_GONE', 'its image is not known any more') };
  return { request: requestFor(state, vm, image, how), how };
}

/** All that have to be where the VM is leave in one decision; null when there are none, or one of them cannot leave. */
function leaveTogether(
  state: State,
  vm: Vm,
  host: Host,
  mode: MoveMode,
  operations: readonly string[],
  nowMs: number,
): Decision<Left> | null {
  const vms = boundTogether(state, vm, host);
  if (vms.length === 1 || vms.length > operations.length) return null;
  const isLate = nowMs >= (host.drain?.deadlineMs ?? Number.POSITIVE_INFINITY);
  const leaving: { request: PlacementRequest; how: MoveMode }[] = [];
  for (const other of vms) {
    const mayStop = other.policy.onDrain !== 'live_only' || isLate;
    const asked = askFor(state, other, mayStop ? mode : 'live');
    if ('inTheWay' in asked) return null;
    leaving.push(asked);
  }
  const requests = leaving.map(({ request }) => request);
  const places = placeTogether(state, vms, requests, nowMs);
  if (places === null) return null;
  const changes = leaving.flatMap(({ how }, index) => {
    const [one, place, operation] = [vms[index] as Vm, places[index] as Place, operations[index] as string];
    return leaves(state, one, place, how, { operation, index }, nowMs);
  });
  return { changes, reply: () => ({ vm, moved: true, others: vms.slice(1) }) };
}

/** `index` counts the VMs of the decision. */
function leaves(
  state: State,
  vm: Vm,
  place: Place,
  how: MoveMode,
  { operation: id, index }: { operation: string; index: number },
  nowMs: number,
): Change[] {
  const sequence = (state.sequence + 1) * creationsPerDecision + index;
  const operation = newOperation(id, 'migrate', vm.administration, [vm.uid], sequence, nowMs);
  return [begin(state, vm, place, how, graceSeconds, nowMs), { type: 'operation.started', operation }];
}

function noRoom({ excluded }: Explanation): Fault {
  const own = new Set<string>(['CORDONED', 'EXCLUDED_BY_REQUEST']);
  const codes = [...excluded.keys()].filter((code) => !own.has(code)).sort();
  const why = codes.length === 0 ? 'all others are cordoned' : codes.join(', ');
  const message = `no other host can take it now (${why}); it is tried again`;
  return { code: resourceExhausted, reason: 'NO_HOST', message };
}

/** `fault` is what is in the way; null when nothing new is to be said of that. */
function waits(vm: Vm, fault: Fault | null): Decision<Left> {
  return {
    changes: fault === null ? [] : waitsChange(vm, fault),
    reply: () => ({ vm, moved: false, others: [] }),
  };
}
