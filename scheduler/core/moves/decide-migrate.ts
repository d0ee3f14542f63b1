/**
 * The decision that begins a move by an operator's order. It asks the checker that chose the VM's first host, and claims what the VM
 * needs there in the same change (PROTOCOL O5).
 */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { find, isBusy, withOperation } from '../decide-vm.js';
import { isKnownOff } from '../lifecycle/vm.js';
import type { Fault, Image, Move, MoveMode, Operation, Vm } from '../model.js';
import { exclusionWords, refuseOne } from '../placement/no-host.js';
import { reasonsAgainst } from '../placement/explanation.js';
import { type Place, type Placed, place, placeOn } from '../placement/placement.js';
import { type PlacementRequest, requestForMove } from '../placement/request.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import { growthOf } from '../tenancy/holdings.js';
import { hasGivenUp, heldOnHost, heldWithExtras, type State } from '../state.js';
import { nextTerm } from '../vm-changes.js';
import { cannotGoLive, cannotLeave, handsOver } from './obstacles.js';

/** Moves a VM to another host, or to the one that is named. */
export function migrateVm(
  state: State,
  command: CommandOf<'vm.migrate'>,
  nowMs: number,
): Decision<{ vm: Vm; operation: Operation }> {
  const found = find(state, command.vm, command.etag, 'migrate');
  if (found.refusal) return found;
  const { vm } = found;
  if (vm.operation !== null) return { refusal: isBusy(vm) };
  const runs = vm.desired === 'running';
  const mode = command.mode ?? (runs ? 'live' : 'cold');
  if (mode === 'live' && !runs) {
    return {
      refusal: refuse('precondition', 'WRONG_STATE', `VM "${vm.id}" does not run: it moves as it is`),
    };
  }
  const obstacleToAny = cannotLeave(state, vm) ?? (mode === 'live' ? cannotGoLive(state, vm) : null);
  if (obstacleToAny) return { refusal: refusalOf(vm, obstacleToAny) };
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image === undefined) return { refusal: notFound('image', vm.spec.imageUid) };
  const request = requestFor(state, vm, image, mode);
  let where: Place;
  if (command.host === null) {
    const placed = placeMoved(state, vm, request);
    if (placed.noHost) return { refusal: refuseOne(state, request, placed.noHost, vm.spec, vm.id) };
    where = placed;
  } else {
    const there = placeThere(state, vm, lying(vm, request), command.host, mode);
    if ('kind' in there) return { refusal: there };
    where = there;
  }
  const { graceSeconds, operation } = command;
  return withOperation(state, vm, 'migrate', operation, nowMs, [
    begin(state, vm, where, mode, graceSeconds, nowMs),
  ]);
}

/** Any host but its own; and for a live move, of those that mount its pool none that takes no running VMs. */
export function requestFor(state: State, vm: Vm, image: Image, mode: MoveMode): PlacementRequest {
  const own = vm.host ?? '';
  const excludedHosts = [...vm.placement.excludedHosts, own];
  if (mode === 'live') {
    for (const id of state.pools.get(vm.spec.pool)?.hosts ?? []) {
      const host = state.hosts.get(id);
      if (id !== own && host !== undefined && !handsOver(host)) excludedHosts.push(id);
    }
  }
  const request = {
    ...requestForMove(state, vm, image.architecture, []),
    placement: { ...vm.placement, excludedHosts },
  };
  // Until it has arrived it holds what it holds now, under whatever agreement: more than its new size while it has another one,
  // and less where it has given up its room, which it asks quotas for when it starts.
  const holds = heldWithExtras(vm);
  const counted = request.counted && { ...request.counted, growth: growthOf(holds, holds) };
  return { ...request, holds, counted };
}

/** A VM that has given up its room goes where it could start, if there is such a host, and else where it can lie. */
export function placeMoved(state: State, vm: Vm, request: PlacementRequest): Placed {
  const placed = place(state, request);
  return placed.noHost && hasGivenUp(vm) ? place(state, lying(vm, request)) : placed;
}

function lying(vm: Vm, request: PlacementRequest): PlacementRequest {
  return hasGivenUp(vm) ? { ...request, needs: heldOnHost(vm) } : request;
}

/** The place on the one host that is wanted, or everything that stands against it. */
function placeThere(
  state: State,
  vm: Vm,
  request: PlacementRequest,
  id: string,
  mode: MoveMode,
): Place | Refusal {
  const row = state.hostTable.row(id);
  const host = state.hosts.get(id);
  if (row === undefined || host === undefined || host.state === 'retired') return notFound('host', id);
  if (id === vm.host)
    return refuse('precondition', 'ALREADY_THERE', `VM "${vm.id}" is on host "${id}" already`);
  if (mode === 'live' && !handsOver(host)) {
    return refuse(
      'precondition',
      'LIVE_NOT_POSSIBLE',
      `host "${id}" takes no running VMs: its agent has no migration.uri in its settings; stop the VM, or move it with --cold`,
    );
  }
  const reasons = reasonsAgainst(state, request)(row);
  if (reasons.length === 0) return placeOn(state, request, row);
  const words = reasons.map((code) => `it ${exclusionWords[code](1).slice(2)}`).join(', ');
  const sentence = `host "${id}" cannot take VM "${vm.id}": ${words}`;
  return refuse('precondition', 'HOST_CANNOT_TAKE_IT', sentence, { reasons: reasons.join(' ') });
}

export function begin(
  state: State,
  vm: Vm,
  { host, numaCells, agreement }: Omit<Place, 'row'>,
  mode: MoveMode,
  graceSeconds: number,
  nowMs: number,
): Change {
  // Whose host lets go of it has its power taken.
  const goesOff = isKnownOff(vm) ? 'leaving' : 'going_off';
  const move: Move = {
    mode,
    phase: mode === 'live' ? 'getting_ready' : goesOff,
    peer: host.id,
    ...(numaCells === undefined ? {} : { numaCells }),
    ...(mode === 'live' ? { term: nextTerm(state, vm) } : {}),
    graceSeconds,
    sinceMs: nowMs,
  };
  return {
    type: 'vm.move',
    uid: vm.uid,
    move,
    generation: vm.generation + 1,
    // What it had there may have ended since. On the same site, so that it has the new one wherever the move ends.
    ...(agreement === vm.agreement ? {} : { agreement: agreement ?? null }),
  };
}

function refusalOf(vm: Vm, { reason, message }: Fault): Refusal {
  const hint =
    reason === 'LIVE_NOT_POSSIBLE' ? '; stop it, or move it with --cold, which stops and starts it' : '';
  return refuse('precondition', reason, `VM "${vm.id}" cannot move: ${message}${hint}`);
}
