/** How much of the record of decisions a caller may see, as far as its identity says; whether it may ask is decided elsewhere. */
import type { Caller } from '../access/caller.js';
import type { State } from '../state.js';
import type { Visibility } from './questions.js';

const nothing: Visibility = { kind: 'nothing' };

export function visibilityOf(state: State, { subject }: Caller): Visibility {
  switch (subject.kind) {
    case 'insecure':
      return { kind: 'everything' };
    case 'delegate':
      return subject.role === 'administration_administrator'
        ? subtree(state, subject.administration)
        : nothing;
    case 'identity': {
      const identity = state.access.identities.get(subject.id);
      switch (identity?.role) {
        case 'federation_administrator':
        case 'auditor':
          return { kind: 'everything' };
        case 'partner_operator':
          return identity.partner === null ? nothing : { kind: 'partner', partner: identity.partner };
        case 'administration_administrator':
          return identity.administration === null ? nothing : subtree(state, identity.administration);
        default:
          return nothing;
      }
    }
    default:
      return nothing;
  }
}

function subtree({ administrations, tenancy }: State, top: string): Visibility {
  if (!administrations.has(top)) return nothing;
  const ids = [...tenancy.tree.node(top).subtree()].map(({ id }) => id);
  return { kind: 'administrations', administrations: ids };
}
