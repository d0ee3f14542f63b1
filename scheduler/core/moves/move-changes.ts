/** The changes that moves consist of, each written once. */
import type { Change } from '../changes.js';
import { isProvenOff } from '../elsewhere/evacuation.js';
import { secondCopy } from '../elsewhere/second-copy.js';
import type { Fault, Host, Leftover, Move, MovePhase, Vm, VmState } from '../model.js';
import { place } from '../placement/placement.js';
import { requestForMove } from '../placement/request.js';
import type { State } from '../state.js';
import { endOperation, here, placedChange, termOfNextStay, type Where, whereOf } from '../vm-changes.js';

type Placed = Extract<Change, { type: 'vm.placed' }>;

/** The next step of a move, which both hosts hear of under a new generation. */
export function nextPhase(
  vm: Vm,
  move: Move,
  phase: MovePhase,
  more: Partial<Move> = {},
  generation = vm.generation,
): Change {
  return { type: 'vm.move', uid: vm.uid, move: { ...move, phase, ...more }, generation: generation + 1 };
}

/** What is known of a move from now on, and neither host need hear; null when it is over. */
export function known({ uid, generation }: Vm, move: Move | null): Change {
  return { type: 'vm.move', uid, move, generation };
}

/**
 * The other host of a live move may hold something of the VM, or be getting ready for it, and has to hear, in this generation,
 * that it does not come.
 */
export function peerReleased(
  state: State,
  { uid }: Vm,
  { peer: id, term }: Move,
  generation: number,
  danger: Pick<Leftover, 'mayRun' | 'former'> = {},
): Change[] {
  if (term === undefined || !state.hosts.has(id)) return [];
  return [{ type: 'host.leftover', id, leftover: { uid, term, generation, keepVolumes: true, ...danger } }];
}

/** The VM stays with its owner, which hears in this generation, and under this term if it is a new one, what it should be. */
export function stays(
  state: State,
  vm: Vm,
  move: Move,
  fault: Fault,
  { generation = vm.generation + 1, term }: { generation?: number; term?: number } = {},
): Change[] {
  return [
    { type: 'vm.move', uid: vm.uid, move: null, generation, ...(term === undefined ? {} : { term }) },
    ...peerReleased(state, vm, move, generation),
    ...endOperation(vm, fault),
  ];
}

/**
 * The VM stays with its owner, which is off, and nobody else has it. When it may have been handed over the owner would take it for
 * one that runs on the other host, and start it under no word of the same term: so it goes on under a new one.
 */
export function staysWithoutOwner(state: State, vm: Vm, move: Move, fault: Fault): Change[] {
  return stays(state, vm, move, fault, move.phase === 'getting_ready' ? {} : { term: termOfNextStay(vm) });
}

/** The place that was promised to it on the other host; it has had the agreement for it since the move began. */
export function promised({ agreement }: Vm, { peer, numaCells }: Move): Where {
  return { host: peer, numaCells, agreement };
}

/** The host to which it was handed over is its owner from now on. */
export function handedOver(
  state: State,
  vm: Vm,
  move: Move,
  seen: { state: VmState; rebootCount: number } = { state: 'running', rebootCount: vm.observedRebootCount },
): [Placed, Change] {
  const { uid, observedGeneration: generation } = vm;
  const placed = placedChange(state, vm, promised(vm, move), []);
  // Whether its domain is there, nobody can say of a host that is off.
  const without: Move = isOffByProof(state, vm) ? { ...move, keepsDomain: true } : move;
  return [
    leavesDomain(vm, without, { ...placed, term: move.term ?? placed.term }),
    { type: 'vm.observed', uid, generation, fault: null, ...seen },
  ];
}

/** It starts on the host that has got ready for it. */
export function startsAtPeer(state: State, vm: Vm, move: Move): Placed {
  return leavesDomain(vm, move, placedChange(state, vm, promised(vm, move), []));
}

/** The host that was seen without it has to take away what it may have of it. */
function leavesDomain({ host }: Vm, { keepsDomain }: Move, placed: Placed): Placed {
  if (keepsDomain !== true || host === null) return placed;
  return { ...placed, leaves: leavesBehind(host) };
}

/** What a host has to take away of a VM that moves: not its disk, which is on a shared pool. */
export const leavesBehind = (host: string) => ({ host, keepVolumes: true });

/** Whether the host that it has is proven to be off. */
export function isOffByProof({ hosts }: State, vm: Vm): boolean {
  const owner = hosts.get(vm.host ?? '');
  return owner !== undefined && isProvenOff(owner, vm);
}

/** Its host has let go of it: the other one has it, and until it is settled there it could come back. */
export function arrives(state: State, vm: Vm, move: Move): Placed {
  const { numaCells: _, ...rest } = move;
  const back: Move = {
    ...rest,
    phase: 'arriving',
    peer: vm.host ?? '',
    ...(vm.numaCells === undefined ? {} : { numaCells: vm.numaCells }),
  };
  return { ...placedChange(state, vm, promised(vm, move), []), move: back };
}

/** Another host for a VM of which nothing runs anywhere; null when none can take it now, or another one has a domain of it. */
export function placedElsewhere(state: State, vm: Vm, owner: Host): Placed | null {
  if (secondCopy(state, vm) !== null) return null;
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image === undefined) return null;
  const placed = place(state, requestForMove(state, vm, image.architecture, [owner.id]));
  return placed.noHost ? null : placedChange(state, vm, whereOf(placed), []);
}

/**
 * Both hosts are without it, and a third one has told of a domain of it: it is started nowhere, and is missing until that one is
 * taken away and somebody starts it. Null when nobody has told of one.
 */
export function startsNowhere(state: State, vm: Vm, move: Move): Change[] | null {
  const fault = secondCopy(state, vm);
  if (fault === null) return null;
  const { uid, observedGeneration: generation, observedRebootCount: rebootCount } = vm;
  return [
    ...stays(state, vm, move, fault),
    { type: 'vm.observed', uid, state: 'missing', generation, rebootCount, fault },
  ];
}

/**
 * Nothing of the VM runs anywhere, and the host that should have it cannot: another has it, or the one that had it, and then
 * its operation ends with this fault.
 */
export function placedAnew(state: State, vm: Vm, move: Move, owner: Host, fault: Fault): Change[] {
  const second = startsNowhere(state, vm, move);
  if (second !== null) return second;
  const placed = placedElsewhere(state, vm, owner);
  if (placed !== null) return [leavesDomain(vm, move, placed)];
  return [placedChange(state, vm, here(vm, owner.id), []), ...endOperation(vm, fault)];
}
