/** How much of the record of decisions is in a caller's sight; whether it may ask is decided elsewhere. */
import type { Sight } from '../access/sight.js';
import type { State } from '../state.js';
import type { Visibility } from './questions.js';

export function visibilityIn(state: State, sight: Sight): Visibility {
  if (sight.top !== null && sight.standing.role !== 'administration_administrator')
    return { kind: 'nothing' };
  return eventsVisibleIn(state, sight);
}

/** Of events, which say nothing that an administration's users could not find out otherwise. */
export function eventsVisibleIn({ tenancy }: State, { isWhole, partner, top }: Sight): Visibility {
  if (isWhole) return { kind: 'everything' };
  if (partner !== null) return { kind: 'partner', partner };
  if (top === null) return { kind: 'nothing' };
  const administrations = [...tenancy.tree.node(top).subtree()].map(({ id }) => id);
  return { kind: 'administrations', administrations };
}
