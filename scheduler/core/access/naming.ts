/** Identities that name something that is to be deleted: they would be let in as somebody of what is not there any more. */
import type { State } from '../state.js';
import { type Refusal, refuse } from '../refusal.js';
import type { Identity } from './model.js';

/** The first, by id. */
function firstNaming(state: State, names: (identity: Identity) => boolean): Identity | null {
  let first: Identity | null = null;
  for (const identity of state.access.identities.values())
    if (names(identity) && (first === null || identity.id < first.id)) first = identity;
  return first;
}

export function partnerIsNamed(state: State, id: string): Refusal | null {
  const identity = firstNaming(state, ({ partner }) => partner === id);
  return identity === null
    ? null
    : isNamed('PARTNER_IN_USE', `partner "${id}"`, identity, `identity "${identity.id}" is its operator`);
}

export function administrationIsNamed(state: State, id: string): Refusal | null {
  const identity = firstNaming(
    state,
    ({ administration, serves }) => administration === id || serves.includes(id),
  );
  if (identity === null) return null;
  const what =
    identity.role === 'portal'
      ? `portal "${identity.id}" serves it`
      : `identity "${identity.id}" is its ${identity.role === 'administration_user' ? 'user' : 'administrator'}`;
  return isNamed('ADMINISTRATION_IN_USE', `administration "${id}"`, identity, what);
}

function isNamed(reason: string, which: string, identity: Identity, what: string): Refusal {
  const message = `${which} cannot be deleted: ${what}; change that first`;
  const refusal = refuse('precondition', reason, message, { identity: identity.id });
  const instead = identity.role === 'portal' ? 'a portal serves it' : 'an identity is of it';
  const of = { kind: 'identity' as const, id: identity.id };
  return { ...refusal, confidential: [{ of, words: what, instead, metadata: ['identity'] }] };
}
