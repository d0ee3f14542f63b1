/**
 * Decisions about the tokens that hosts join with. One that has ended is taken away by the next decision about tokens,
 * so that there are never more of them than the limit allows.
 */
import type { Change } from '../changes.js';
import type { CommandOf, Enrolment } from '../commands.js';
import type { Decision } from '../decide.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import type { JoinToken } from './model.js';

/** Tokens of one site that have not ended. */
export const tokensPerSite = 1000;

export function createToken(
  state: State,
  command: CommandOf<'token.create'>,
  nowMs: number,
): Decision<JoinToken> {
  const { id, site, secretHash, endMs, uses, creator } = command;
  if (!state.sites.has(site)) return { refusal: notFound('site', site) };
  let others = 0;
  for (const token of state.access.tokens.values())
    if (token.site === site && token.endMs > nowMs) others += 1;
  if (others >= tokensPerSite) {
    const message = `site "${site}" has ${others} join tokens; delete some of them first`;
    return { refusal: refuse('exhausted', 'TOO_MANY_TOKENS', message, { limit: String(tokensPerSite) }) };
  }
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
  return { changes: [...endedTokens(state, nowMs), { type: 'token.set', token }], reply: () => token };
}

export function deleteToken(state: State, { id }: CommandOf<'token.delete'>, nowMs: number): Decision<null> {
  const token = state.access.tokens.get(id);
  if (token === undefined || token.endMs <= nowMs) return { refusal: notFound('join token', id) };
  return { changes: [...endedTokens(state, nowMs), { type: 'token.deleted', id }], reply: () => null };
}

/** Takes away those that nobody can use any more. */
export function endedTokens(state: State, nowMs: number): Change[] {
  const changes: Change[] = [];
  for (const { id, endMs } of state.access.tokens.values())
    if (endMs <= nowMs) changes.push({ type: 'token.deleted', id });
  return changes;
}

/** Whether hosts can still join with it. */
export function isUsable({ endMs, usesLeft }: JoinToken, nowMs: number): boolean {
  return endMs > nowMs && usesLeft > 0;
}

/** One sentence for a token that is not there and for a wrong secret: who guesses learns nothing. */
export const unknownToken = refuse(
  'unauthenticated',
  'TOKEN_UNKNOWN',
  'the join token is not one of this federation, or was deleted; make one with: secovia token create --site SITE',
);

/** Why a host of this site may not join with a token whose secret it has; null when it may. */
export function tokenRefusal(
  token: JoinToken | undefined,
  host: { id: string; site: string },
  nowMs: number,
): Refusal | null {
  if (token === undefined) return unknownToken;
  const anew = `make another with: secovia token create --site ${token.site}`;
  if (token.endMs <= nowMs) {
    return refuse('unauthenticated', 'TOKEN_EXPIRED', `the join token has expired; ${anew}`);
  }
  if (token.site !== host.site) {
    return refuse('unauthenticated', 'TOKEN_OF_OTHER_SITE', 'the join token is for hosts of another site');
  }
  if (token.usesLeft > 0 || token.used.some((use) => use.host === host.id)) return null;
  return usedUp(token);
}

export function usedUp(token: JoinToken): Refusal {
  return refuse(
    'unauthenticated',
    'TOKEN_USED',
    `the join token was used already; make another with: secovia token create --site ${token.site}`,
  );
}

/** The token that an enrolment shows, or why it does not count. */
export function provenToken(
  state: State,
  host: { id: string; site: string },
  { token: id, secretHash }: Pick<Enrolment, 'token' | 'secretHash'>,
  nowMs: number,
): JoinToken | Refusal {
  const token = state.access.tokens.get(id);
  if (token === undefined || token.secretHash !== secretHash) return unknownToken;
  return tokenRefusal(token, host, nowMs) ?? token;
}
