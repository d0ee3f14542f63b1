/** What a portal brings along: a user's token, by which it acts for that user in one administration. */
import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from '../core/access/caller.js';
import { type Refusal, refuse } from '../core/refusal.js';

export interface TokenVerifier {
  /**
   * The user as the portal's delegate. `portal` is who the certificate proves; `administration` is the id that the call
   * asks to act in, empty when it does not say.
   */
  verify(token: string, portal: Caller, administration: string): Promise<Caller | Refusal> | Caller | Refusal;
}

/** The header that says in which administration a portal acts. */
export const administrationHeader = 'secovia-administration';

/** Null when a call brings no token. */
export function tokenIn(metadata: Metadata): { token: string; administration: string } | Refusal | null {
  const [authorization, ...more] = metadata.get('authorization');
  if (authorization === undefined) return null;
  const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(String(authorization))?.[1];
  if (token === undefined || more.length > 0) {
    return refuse(
      'unauthenticated',
      'INVALID_TOKEN',
      'the authorization header must be there once, and say Bearer and a token',
    );
  }
  const [administration = '', ...others] = metadata.get(administrationHeader);
  if (others.length > 0) {
    return refuse(
      'unauthenticated',
      'INVALID_TOKEN',
      `the header ${administrationHeader} must be there once`,
    );
  }
  return { token, administration: String(administration) };
}
