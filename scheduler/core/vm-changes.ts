/** The changes that several decisions about a VM have in common, each written once. */
import type { Change } from './changes.js';
import type { DesiredState, Fault, Operation, OperationVerb, StopMode, Vm } from './model.js';

type ChangeOf<T extends Change['type']> = Extract<Change, { type: T }>;

/** How a VM is to be stopped. */
export type Stopping = { stopMode: StopMode; stopGraceSeconds: number };

/** What a VM should be from now on; how it stops stays as it was, unless it is said. */
export function desiredChange(
  vm: Vm,
  desired: DesiredState,
  { stopMode, stopGraceSeconds }: Stopping = vm,
): ChangeOf<'vm.desired'> {
  return {
    type: 'vm.desired',
    uid: vm.uid,
    desired,
    generation: vm.generation + 1,
    stopMode,
    stopGraceSeconds,
  };
}

/** An owner under a new term: another host with these cells, or the same one again. */
export function placedChange(
  vm: Vm,
  host: string,
  numaCells: number[] | undefined,
  refusedBy: string[],
): ChangeOf<'vm.placed'> {
  const { uid, term, generation } = vm;
  const placed = {
    type: 'vm.placed',
    uid,
    host,
    term: term + 1,
    generation: generation + 1,
    refusedBy,
  } as const;
  return numaCells === undefined ? placed : { ...placed, numaCells };
}

/** The end of the operation under way for a VM, if there is one. */
export function endOperation(vm: Vm, fault: Fault | null): ChangeOf<'operation.target_ended'>[] {
  if (vm.operation === null) return [];
  return [{ type: 'operation.target_ended', id: vm.operation, uid: vm.uid, fault }];
}

/** An operation that has just begun. */
export function newOperation(
  id: string,
  verb: OperationVerb,
  targets: string[],
  createdSequence: number,
  nowMs: number,
): Operation {
  return {
    id,
    verb,
    state: 'running',
    targets,
    succeeded: 0,
    failed: 0,
    fault: null,
    createdSequence,
    createdMs: nowMs,
    endedMs: 0,
  };
}
