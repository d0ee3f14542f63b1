/** A change as the journal has it: JSON, with what else is worth saying beside it. */
import type { Change } from '../changes.js';
import type { State } from '../state.js';
import { beforeOf, placementReason } from './circumstances.js';

/** Adds a change that is about to be applied, in pieces. */
export function changeText(state: State, change: Change, pieces: string[]): void {
  // The largest part of a VM's making is the VM, which the store is to save as well: to write it once is enough.
  if (change.type === 'vm.created') {
    pieces.push('{"type":"vm.created","vm":');
    state.touched.made(change.vm, pieces);
    // Where an orphan is nobody has chosen.
    addWhy(state, change.vm.adopting === undefined ? change.vm.host : null, pieces);
  } else if (change.type === 'operation.started') {
    pieces.push('{"type":"operation.started","operation":');
    state.touched.made(change.operation, pieces);
    pieces.push('}');
  } else {
    const before = beforeOf(state, change);
    const json = JSON.stringify(change);
    if (before === null) pieces.push(json);
    else {
      pieces.push(json.slice(0, -1), ',"before":', JSON.stringify(before));
      if (change.type === 'vm.placed') addWhy(state, change.host, pieces);
      else pieces.push('}');
    }
  }
}

function addWhy(state: State, host: string | null, pieces: string[]): void {
  const why = placementReason(state, host);
  if (why === null) pieces.push('}');
  else pieces.push(',"why":', why, '}');
}
