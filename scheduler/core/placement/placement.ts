/**
 * Where a VM goes. A request and what hosts have free go in; a host, or an explanation of why there is none, comes
 * out. The index finds the host; the explanation looks at all of them, and asks the same rules.
 */
import type { Host } from '../model.js';
import type { State } from '../state.js';
import { type Explanation, explain } from './explanation.js';
import type { PlacementRequest } from './request.js';
import { findHost } from './search.js';

export type Placed = { row: number; host: Host; noHost?: undefined } | { noHost: Explanation };

/** The host for a request; nothing is claimed. */
export function place(state: State, request: PlacementRequest): Placed {
  const row = findHost(state, request);
  if (row >= 0) return { row, host: state.hostTable.hosts[row] as Host };
  return { noHost: explain(state, request) };
}
