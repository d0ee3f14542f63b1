/** Questions about placement: asked of the same rules as a creation, and leaving nothing behind. */
import type { VmShape } from './commands.js';
import { requestOfShape, type ShapeRequest } from './decide-vm-create.js';
import type { VmSpec } from './model.js';
import {
  answer,
  type Capacity,
  capacityFor,
  type GoesOn,
  type PlacementAnswer,
} from './placement/answers.js';
import { priorityOf } from './priority.js';
import { notFound, type Refusal } from './refusal.js';
import type { State } from './state.js';

type Asked<T> = ({ refusal?: undefined } & T) | { refusal: Refusal };

/** Where a VM of this shape would go, or why it can go nowhere. Refused is only what speaks of things unknown. */
export function explainPlacement(
  state: State,
  administration: string,
  shape: VmShape,
): Asked<{ spec: VmSpec; answer: PlacementAnswer }> {
  const question = requestOf(state, administration, shape);
  if (question.refusal) return question;
  return { spec: question.spec, answer: answer(state, question.request, priorityOf(shape)) };
}

/** How many VMs of this shape fit now, up to a limit, and for as long as `goesOn` has it. */
export function estimateCapacity(
  state: State,
  administration: string,
  shape: VmShape,
  limit: number,
  goesOn: GoesOn = () => true,
): Asked<Capacity> {
  const question = requestOf(state, administration, shape);
  // A full pool is an answer here: none.
  if (question.refusal?.reason === 'POOL_FULL') return { vms: 0, limited: false, bySite: new Map() };
  if (question.refusal) return question;
  const inPool = disksLeft(state, shape);
  const capacity = capacityFor(state, question.request, Math.min(limit, inPool), goesOn);
  // A pool that is full then has no room for more.
  const filled = inPool < limit && capacity.vms === inPool;
  return { ...capacity, limited: capacity.limited && !filled };
}

/** How many such disks the shared pool has room for; any number when the disk is the host's own. */
function disksLeft(state: State, { pool, diskMib }: VmShape): number {
  const known = pool === '' ? undefined : state.pools.get(pool);
  if (known === undefined) return Number.POSITIVE_INFINITY;
  return Math.floor((known.capacityMib - (state.poolClaimedMib.get(pool) ?? 0)) / diskMib);
}

function requestOf(
  state: State,
  administration: string,
  shape: VmShape,
): ShapeRequest | { refusal: Refusal } {
  if (!state.administrations.has(administration))
    return { refusal: notFound('administration', administration) };
  return requestOfShape(state, administration, shape, new Map());
}
