/** A state from nothing but the lines of its journal. */
import { apply } from '../../../scheduler/core/apply.js';
import type { JournalLine } from '../../../scheduler/core/audit/line.js';
import { State } from '../../../scheduler/core/state.js';

export function replay(journal: readonly string[]): State {
  const state = new State();
  for (const line of journal) {
    const [atMs, changes, , audience = {}] = JSON.parse(line) as JournalLine;
    for (const change of changes) apply(state, change, atMs);
    noteNumbers(state, audience);
    state.sequence += 1;
    state.lastMs = atMs;
  }
  return state;
}

/** The running numbers of partners, as a line has them. */
export function noteNumbers(state: State, audience: NonNullable<JournalLine[3]>): void {
  for (const [partner, number] of Object.entries(audience))
    state.audit.set(partner, typeof number === 'number' ? number : number[0], state.touched);
}
