/** A refusal as it may be told to somebody: without the numbers of others, and with whatever is said instead. */
import type { Confidential, Refusal } from '../refusal.js';
import type { State } from '../state.js';
import type { Sight } from './sight.js';

export function discreet(state: State, sight: Sight, refusal: Refusal): Refusal {
  const { confidential, ...rest } = refusal;
  if (confidential === undefined || sight.isWhole) return refusal;
  const hidden = confidential.filter(({ of }) => !sees(state, sight, of));
  if (hidden.length === 0) return refusal;
  let { message, quota } = rest;
  const metadata = { ...rest.metadata };
  for (const { words, instead, metadata: keys = [] } of hidden) {
    message = message.split(words).join(instead);
    quota = quota?.map((one) => (one.description === words ? { ...one, description: instead } : one));
    for (const key of keys) delete metadata[key];
  }
  return quota === undefined ? { ...rest, message, metadata } : { ...rest, message, metadata, quota };
}

function sees(state: State, sight: Sight, { kind, id }: Confidential['of']): boolean {
  switch (kind) {
    case 'administration':
      return sight.isInSubtree(id);
    case 'agreement': {
      const agreement = state.tenancy.agreements.get(id);
      return agreement !== undefined && sight.useOfAgreement(agreement);
    }
    case 'partner':
      return id === sight.partner;
    case 'host': {
      const host = state.hosts.get(id);
      return host !== undefined && sight.numbersOfHost(host);
    }
    case 'storage pool': {
      const pool = state.pools.get(id);
      return pool !== undefined && sight.ownsSite(state.sites.get(pool.site));
    }
    case 'identity': {
      const identity = state.access.identities.get(id);
      return identity !== undefined && sight.identity(identity);
    }
  }
}
