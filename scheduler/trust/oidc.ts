/**
 * Tokens of a portal's users: JWTs of one OpenID Connect issuer, verified with the keys that it publishes. A token says who
 * the user is, and in a claim of its own in which administrations they may act:
 *
 *     "secovia_administrations": ["split", "zagreb:administrator"]
 *
 * An entry holds for everything below its administration as well. Without a role after the colon the user may work with VMs.
 */
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isTrustworthyUrl } from '../../proto/loopback.js';
import type { Caller } from '../core/access/caller.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { TokenVerifier } from './tokens.js';

/** Signatures of key pairs alone: whoever verifies a token must not be able to make one. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];

const mostTokenBytes = 16 * 1024;
const mostEntries = 1000;
/** Tokens that were found good, and what they say. */
const mostKnown = 10_000;
const fetchTimeoutMs = 5000;

type DelegateRole = 'administration_administrator' | 'administration_user';

interface Entry {
  administration: string;
  role: DelegateRole;
}

interface Known {
  onBehalf: string;
  entries: Entry[];
  endMs: number;
}

export interface OidcOptions {
  /** As the tokens' `iss` has it: an https URL, or an http one on loopback. */
  issuer: string;
  audience: string;
  /** A file or an https URL with the issuer's keys (JWKS); empty to ask the issuer where they are. */
  keys: string;
  /** The claim with the administrations. */
  claim: string;
  /** By how much the clocks of issuer and scheduler may differ. */
  clockSkewS: number;
  /** Milliseconds since 1970. */
  now(): number;
  /** Whether an administration is another one, or below it. */
  isWithin(administration: string, above: string): boolean;
  log: Logger;
}

const delegateRoles: Record<string, DelegateRole> = {
  user: 'administration_user',
  administrator: 'administration_administrator',
};

const entryForm = /^([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)(?::(user|administrator))?$/;

const invalid = (message: string) => refuse('unauthenticated', 'INVALID_TOKEN', message);

export class OidcTokens implements TokenVerifier {
  readonly #options: OidcOptions;
  readonly #known = new Map<string, Known>();
  #keys: Promise<JWTVerifyGetKey> | null = null;

  /** @throws Error when `keys` names a file that cannot be used. */
  constructor(options: OidcOptions) {
    this.#options = options;
    if (options.keys !== '' && !isUrl(options.keys)) this.#keys = Promise.resolve(keysIn(options.keys));
  }

  verify(
    token: string,
    portal: Caller,
    administration: string,
  ): Promise<Caller | Refusal> | Caller | Refusal {
    if (token.length > mostTokenBytes) return invalid(`the token is longer than ${mostTokenBytes} bytes`);
    const known = this.#known.get(token);
    if (known !== undefined && this.#options.now() < known.endMs)
      return this.#delegate(known, portal, administration);
    return this.#read(token).then((read) => {
      if ('kind' in read) return read;
      this.#remember(token, read);
      return this.#delegate(read, portal, administration);
    });
  }

  /** Acts in the administration that is asked for, as the strongest entry that is above it. */
  #delegate({ onBehalf, entries, endMs }: Known, portal: Caller, asked: string): Caller | Refusal {
    const [only, ...more] = entries;
    if (asked === '' && (only === undefined || more.length > 0)) {
      const which = entries.map((entry) => entry.administration).join(', ') || 'none';
      return refuse(
        'invalid',
        'ADMINISTRATION_NEEDED',
        `say in which administration to act, by the header secovia-administration; the token is for: ${which}`,
      );
    }
    const administration = asked === '' ? (only as Entry).administration : asked;
    const roles = entries
      .filter((entry) => this.#options.isWithin(administration, entry.administration))
      .map(({ role }) => role);
    const { subject, identity, certificateEndMs } = portal;
    if (roles.length === 0 || subject.kind !== 'identity') {
      return refuse(
        'denied',
        'NOT_IN_ADMINISTRATION',
        `the token does not let its user act in administration ${JSON.stringify(administration)}`,
      );
    }
    const role = roles.includes('administration_administrator')
      ? 'administration_administrator'
      : 'administration_user';
    return {
      identity,
      onBehalf,
      // A stream that the token began ends with it.
      certificateEndMs: Math.min(certificateEndMs, endMs),
      subject: { kind: 'delegate', portal: subject.id, serial: subject.serial, administration, role },
    };
  }

  async #read(token: string): Promise<Known | Refusal> {
    const { issuer, audience, clockSkewS, claim } = this.#options;
    try {
      const { payload } = await jwtVerify(token, await this.#issuersKeys(), {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockSkewS,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(this.#options.now()),
      });
      const subject = payload.sub ?? '';
      if (!/^[\x21-\x7e]{1,255}$/.test(subject))
        return invalid('the token’s subject is empty, or not plain text');
      const entries = entriesIn(payload[claim]);
      if (entries === null)
        return invalid(
          `the token’s claim ${claim} must be a list of administrations, each as "ID" or "ID:administrator"`,
        );
      const endMs = ((payload.exp as number) + clockSkewS) * 1000;
      return { onBehalf: `${issuer} ${subject}`, entries, endMs };
    } catch (error) {
      if (isIssuersTrouble(error as Error))
        this.#options.log.warn({ err: error, issuer }, 'the issuer of tokens does not give its keys');
      return whatIsWrong(error as Error);
    }
  }

  /** Asked for once, and again after it has failed. */
  #issuersKeys(): Promise<JWTVerifyGetKey> {
    if (this.#keys === null) {
      const keys = keysOf(this.#options);
      this.#keys = keys;
      keys.catch(() => {
        this.#keys = null;
      });
    }
    return this.#keys;
  }

  #remember(token: string, known: Known): void {
    // The oldest go first: a token lives for minutes.
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < mostKnown) break;
      this.#known.delete(oldest);
    }
    this.#known.set(token, known);
  }
}

function entriesIn(claim: unknown): Entry[] | null {
  if (!Array.isArray(claim) || claim.length > mostEntries) return null;
  const entries: Entry[] = [];
  for (const text of claim) {
    const [, administration, role = 'user'] = entryForm.exec(String(text)) ?? [];
    if (administration === undefined) return null;
    entries.push({ administration, role: delegateRoles[role] as DelegateRole });
  }
  return entries;
}

function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text);
}

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1) });

function keysIn(file: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(keySet.parse(JSON.parse(readFileSync(file, 'utf8'))) as never);
  } catch (error) {
    throw new Error(`${file} holds no keys of an issuer (JWKS): ${(error as Error).message}`);
  }
}

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string() });

async function keysOf({ issuer, keys }: OidcOptions): Promise<JWTVerifyGetKey> {
  const url = keys === '' ? await keysUrlOf(issuer) : keys;
  return createRemoteJWKSet(new URL(url), { timeoutDuration: fetchTimeoutMs });
}

/** Where an issuer says that its keys are. */
async function keysUrlOf(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs), redirect: 'error' });
  const document = discovery.parse(await response.json());
  if (document.issuer !== issuer) throw new Error(`${url} speaks for another issuer, ${document.issuer}`);
  if (!isTrustworthyUrl(document.jwks_uri))
    throw new Error(`the keys at ${document.jwks_uri} come without TLS`);
  return document.jwks_uri;
}

/** Nothing is wrong with the token: its issuer did not give its keys, or gave what are none. */
function isIssuersTrouble(error: Error): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  return (
    error.code === 'ERR_JOSE_GENERIC' ||
    error.code.startsWith('ERR_JWKS_T') ||
    error.code === 'ERR_JWKS_INVALID'
  );
}

function whatIsWrong(error: Error): Refusal {
  if (error instanceof errors.JWTExpired)
    return refuse('unauthenticated', 'TOKEN_EXPIRED', 'the token has expired; sign in again');
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(`the token’s claim ${error.claim} is not one that is accepted here`);
  if (isIssuersTrouble(error)) {
    return {
      ...refuse('unavailable', 'ISSUER_UNAVAILABLE', 'the issuer of the token cannot be asked for its keys'),
      retryDelayMs: 1000,
    };
  }
  return invalid('the token is not one that the issuer has signed');
}
