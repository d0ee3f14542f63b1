/**
 * Where a VM goes. A request and what hosts have free go in; a host, or an explanation of why there is none, comes
 * out. The index finds the host; the explanation looks at all of them, and asks the same rules.
 */
import type { Host } from '../model.js';
import type { State } from '../state.js';
import { agreementFor } from '../tenancy/limits.js';
import { type Explanation, explain } from './explanation.js';
import type { PlacementRequest } from './request.js';
import { findHost } from './search.js';

/** Where a VM goes. */
export interface Place {
  row: number;
  host: Host;
  /** The cells that it gets there; undefined when it asks for none. */
  numaCells: number[] | undefined;
  /** The agreement under which it is there; undefined when it needs none. */
  agreement: string | undefined;
}

export type Placed = (Place & { noHost?: undefined }) | { noHost: Explanation };

/** The host for a request; nothing is claimed. */
export function place(state: State, request: PlacementRequest): Placed {
  const row = findHost(state, request);
  if (row >= 0) return placeOn(state, request, row);
  return { noHost: explain(state, request) };
}

/** What a request gets on the host of a row, which has room for it. */
export function placeOn({ hostTable, tenancy }: State, request: PlacementRequest, row: number): Place {
  const host = hostTable.hosts[row] as Host;
  const { layout } = request;
  const bound = layout !== undefined && layout.cells > 0;
  const numaCells = bound ? hostTable.cellRooms.choose(row, layout) : undefined;
  return { row, host, numaCells, agreement: agreementFor(tenancy, request, host.site) };
}
