/** How much of the record of decisions is in a caller's sight; whether it may ask is decided elsewhere. */
import type { Sight } from '../access/sight.js';
import type { State } from '../state.js';
import type { Visibility } from './questions.js';

export function visibilityIn({ tenancy }: State, { isWhole, partner, top, standing }: Sight): Visibility {
  if (isWhole) return { kind: 'everything' };
  if (partner !== null) return { kind: 'partner', partner };
  if (top === null || standing.role !== 'administration_administrator') return { kind: 'nothing' };
  const administrations = [...tenancy.tree.node(top).subtree()].map(({ id }) => id);
  return { kind: 'administrations', administrations };
}
