/** What changes of identities, tokens and hosts' certificates make of the state. */
import type { Change } from './changes.js';
import type { State } from './state.js';

export type AccessChange = Extract<
  Change,
  { type: 'identity.set' | 'identity.deleted' | 'token.set' | 'token.used' | 'token.deleted' }
>;

export function applyAccessChange(state: State, change: AccessChange): void {
  const { identities, tokens } = state.access;
  switch (change.type) {
    case 'identity.set':
      identities.set(change.identity.id, change.identity);
      state.touched.write('identity', change.identity.id, change.identity);
      return;
    case 'identity.deleted': {
      const identity = identities.get(change.id);
      if (identity === undefined) throw new Error(`there is no identity ${change.id} to delete`);
      identities.delete(change.id);
      state.touched.remove('identity', change.id, identity);
      return;
    }
    case 'token.set':
      tokens.set(change.token.id, change.token);
      state.touched.write('token', change.token.id, change.token);
      return;
    case 'token.used': {
      const before = tokens.get(change.id);
      if (before === undefined) throw new Error(`there is no join token ${change.id} to use`);
      const { host, keyHash } = change;
      const used = [...before.used, { host, keyHash }];
      const token = { ...before, usesLeft: before.usesLeft - 1, used };
      tokens.set(token.id, token);
      state.touched.write('token', token.id, token);
      return;
    }
    case 'token.deleted': {
      const token = tokens.get(change.id);
      if (token === undefined) throw new Error(`there is no join token ${change.id} to delete`);
      tokens.delete(change.id);
      state.touched.remove('token', change.id, token);
    }
  }
}
