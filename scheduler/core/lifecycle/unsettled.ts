/**
 * VMs that are not what they should be, and for which no operation stands that would end and so tell somebody: one that has taken too
 * long, or a restart elsewhere, which has none. Most become it by themselves; how long it takes is written down for the others.
 */
import type { Vm, VmState } from '../model.js';
import type { State } from '../state.js';

/** Those of a VM that should be stopped and is off; whether somebody should see to it is another question. */
const off: ReadonlySet<VmState> = new Set<VmState>(['stopped', 'crashed', 'missing', 'failed']);

function isUnsettled({ desired, state, move, operation }: Vm): boolean {
  if (operation !== null) return false;
  if (move !== undefined || desired === 'deleted') return true;
  return desired === 'running' ? state !== 'running' : !off.has(state);
}

/** To be called after every change of a VM. */
export function noteUnsettled(state: State, vm: Vm, atMs: number): void {
  const isSo = isUnsettled(vm);
  if (isSo === (vm.unsettledMs !== undefined)) return;
  if (isSo) vm.unsettledMs = atMs;
  else delete vm.unsettledMs;
  state.vmStates.look(vm);
}
