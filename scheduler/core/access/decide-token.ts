/** Decisions about the tokens that hosts join with. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { notFound } from '../refusal.js';
import type { State } from '../state.js';
import type { JoinToken } from './model.js';

export function createToken(
  state: State,
  command: CommandOf<'token.create'>,
  nowMs: number,
): Decision<JoinToken> {
  const { id, site, secretHash, endMs, uses, creator } = command;
  if (!state.sites.has(site)) return { refusal: notFound('site', site) };
  const token: JoinToken = {
    id,
    site,
    secretHash,
    endMs,
    usesLeft: uses,
    used: [],
    creator,
    createdMs: nowMs,
  };
  return { changes: [{ type: 'token.set', token }], reply: () => token };
}

export function deleteToken(state: State, { id }: CommandOf<'token.delete'>): Decision<null> {
  if (!state.access.tokens.has(id)) return { refusal: notFound('join token', id) };
  return { changes: [{ type: 'token.deleted', id }], reply: () => null };
}
