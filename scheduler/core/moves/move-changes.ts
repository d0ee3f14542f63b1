/** The changes that moves consist of, each written once. */
import type { Change } from '../changes.js';
import type { Fault, Host, Move, MovePhase, Vm, VmState } from '../model.js';
import { place } from '../placement/placement.js';
import { requestForMove } from '../placement/request.js';
import type { State } from '../state.js';
import { endOperation, here, placedChange, whereOf } from '../vm-changes.js';

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

/**
 * The VM stays with its owner. The other host of a live move may hold something of it, or be getting ready for it, and has to
 * hear that it does not come; where `generation` is left out, the owner hears anew what it should be.
 */
export function stays(
  state: State,
  vm: Vm,
  move: Move,
  fault: Fault | null,
  generation = vm.generation + 1,
): Change[] {
  const { uid } = vm;
  const changes: Change[] = [{ type: 'vm.move', uid, move: null, generation }];
  if (move.term !== undefined && state.hosts.has(move.peer)) {
    const leftover = { uid, term: move.term, generation, keepVolumes: true };
    changes.push({ type: 'host.leftover', id: move.peer, leftover });
  }
  return [...changes, ...endOperation(vm, fault)];
}

/** The host to which it was handed over is its owner from now on. */
export function handedOver(
  state: State,
  vm: Vm,
  move: Move,
  { state: seen, rebootCount }: { state: VmState; rebootCount: number },
): Change[] {
  const { uid, term, observedGeneration: generation } = vm;
  const where = { host: move.peer, numaCells: move.numaCells, agreement: vm.agreement };
  return [
    { ...placedChange(state, vm, where, []), term: move.term ?? term + 1 },
    { type: 'vm.observed', uid, state: seen, generation, rebootCount, fault: null },
  ];
}

/** Its host has let go of it: the other one has it, and until it is settled there it could come back. */
export function arrives(state: State, vm: Vm, move: Move): Change {
  const back: Move = { ...move, phase: 'arriving', peer: vm.host ?? '' };
  delete back.numaCells;
  if (vm.numaCells !== undefined) back.numaCells = vm.numaCells;
  const where = { host: move.peer, numaCells: move.numaCells, agreement: vm.agreement };
  return { ...placedChange(state, vm, where, []), move: back };
}

/**
 * Nothing of the VM runs anywhere, and the host that should have it cannot: another has it, or the one that had it.
 * `said` ends its operation where it is not where it was to go.
 */
export function placedAnew(state: State, vm: Vm, owner: Host, fault: Fault): Change[] {
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image !== undefined) {
    const placed = place(state, requestForMove(state, vm, image.architecture, [owner.id]));
    if (!placed.noHost) return [placedChange(state, vm, whereOf(placed), [])];
  }
  return [placedChange(state, vm, here(vm, owner.id), []), ...endOperation(vm, fault)];
}
