/** The changes that several decisions about a VM have in common, each written once. */
import type { Change } from './changes.js';
import type { State } from './state.js';
import type { Place } from './placement/placement.js';
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
export function placedChange(state: State, vm: Vm, where: Where, refusedBy: string[]): ChangeOf<'vm.placed'> {
  const { uid, generation } = vm;
  const { host, numaCells, agreement } = where;
  return {
    type: 'vm.placed',
    uid,
    host,
    ...(numaCells === undefined ? {} : { numaCells }),
    ...(agreement === undefined ? {} : { agreement }),
    term: host === vm.host ? termOfNextStay(vm) : nextTerm(state, vm),
    generation: generation + 1,
    refusedBy,
  };
}

/** A host takes the very next term for a stay that goes on, with the disk that it has. */
export const termOfNextStay = ({ term, lastTerm = 0 }: Vm): number => Math.max(term, lastTerm) + 1;

/** More than a VM has owners while the journal is not restored. */
const termsPerIncarnation = 2 ** 16;

/** Newer than any that a VM has, however often journals are restored; small enough for whoever makes one number of it and a generation. */
export const newestTerm = 2 ** 27;

/** A term that no host was given for the VM, not even by what a restored journal has forgotten. */
export function nextTerm(
  { federation }: State,
  { term, lastTerm = term }: Pick<Vm, 'term' | 'lastTerm'>,
): number {
  const restores = Math.max(0, federation.epoch.incarnation - 1);
  return Math.max(term, lastTerm, restores * termsPerIncarnation) + 1;
}

/** A host, the cells there, and the agreement under which a VM uses it. */
export interface Where {
  host: string;
  numaCells: number[] | undefined;
  agreement: string | undefined;
}

/** Where a VM is. */
export function here({ numaCells, agreement }: Vm, host: string): Where {
  return { host, numaCells, agreement };
}

export function whereOf({ host, numaCells, agreement }: Place): Where {
  return { host: host.id, numaCells, agreement };
}

/** Why a VM has not another host yet; what was said already is not said again (PROTOCOL S4). */
export function waitsChange({ uid, fault: said }: Vm, fault: Fault): ChangeOf<'vm.waits'>[] {
  const same = said?.reason === fault.reason && said.message === fault.message;
  return same ? [] : [{ type: 'vm.waits', uid, fault }];
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
  administration: string,
  targets: string[],
  createdSequence: number,
  nowMs: number,
): Operation {
  return {
    id,
    verb,
    state: 'running',
    administration,
    targets,
    succeeded: 0,
    failed: 0,
    fault: null,
    createdSequence,
    createdMs: nowMs,
    endedMs: 0,
  };
}
