/** How operations begin, count their targets, and end. An ended one is kept for a while, and then dropped. */
import { must } from './apply.js';
import type { Change } from './changes.js';
import { noteUnsettled } from './lifecycle/unsettled.js';
import type { Operation } from './model.js';
import type { State } from './state.js';

/** How many ended operations are kept; the oldest go first. */
export const endedOperationsKept = 50_000;

type OperationChange = Extract<Change, { type: `operation.${string}` }>;

export function applyOperationChange(state: State, change: OperationChange, atMs: number): void {
  if (change.type === 'operation.started') {
    state.operations.set(change.operation.id, change.operation);
    // A VM that is made by the operation names it from the start.
    if (change.operation.verb !== 'create') {
      for (const uid of change.operation.targets) setOperation(state, uid, change.operation.id, atMs);
    }
    state.touched.write('operation', change.operation.id, change.operation);
    return;
  }
  const operation = must(state.operations.get(change.id), change);
  if (change.type === 'operation.cancelled') {
    operation.fault = { code: 1, reason: 'CANCELLED', message: change.message };
    for (const uid of operation.targets) clearOperation(state, uid, operation.id, atMs);
    end(state, operation, 'cancelled', atMs);
    return;
  }
  clearOperation(state, change.uid, operation.id, atMs);
  if (change.fault === null) operation.succeeded += 1;
  else {
    operation.failed += 1;
    operation.fault = change.fault;
  }
  if (operation.succeeded + operation.failed === operation.targets.length) {
    end(state, operation, operation.failed === 0 ? 'succeeded' : 'failed', atMs);
  } else state.touched.write('operation', operation.id, operation);
}

function setOperation(state: State, uid: string, id: string, atMs: number): void {
  const vm = state.vms.get(uid);
  if (vm === undefined) return;
  vm.operation = id;
  noteUnsettled(state, vm, atMs);
  state.touched.write('vm', uid, vm);
}

function clearOperation(state: State, uid: string, id: string, atMs: number): void {
  const vm = state.vms.get(uid);
  if (vm === undefined || vm.operation !== id) return;
  vm.operation = null;
  noteUnsettled(state, vm, atMs);
  state.touched.write('vm', uid, vm);
}

function end(state: State, operation: Operation, outcome: Operation['state'], atMs: number): void {
  operation.state = outcome;
  operation.endedMs = atMs;
  state.touched.write('operation', operation.id, operation);
  // In the order in which a start reads them: those that ended in the same millisecond as they were created.
  state.endedOperations.insert(operation.id, (id) => {
    const other = state.operations.get(id);
    return other === undefined || other.endedMs < atMs || other.createdSequence < operation.createdSequence;
  });
  if (state.endedOperations.length <= endedOperationsKept) return;
  const oldest = state.endedOperations.shift() ?? '';
  const dropped = state.operations.get(oldest);
  if (dropped === undefined) throw new Error(`operation ${oldest} has ended and is not known`);
  state.touched.remove('operation', oldest, dropped);
  state.operations.delete(oldest);
}
