/** Who calls, by the certificate of the call's connection. Costs a look into a map a call. */
import type { Call, Callers, Identified } from '../api/callers.js';
import { renewableMs } from '../core/access/certificates.js';
import type { Caller } from '../core/access/caller.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { Connections } from './connections.js';
import { tokenIn, type TokenVerifier } from './tokens.js';

/** What a host may still call with a certificate that has ended; whether its link is let in depends on the state. */
const ofHosts = new Set(['/secovia.v1.AgentService/RenewCertificate', '/secovia.v1.AgentService/Link']);

const gone = refuse('unauthenticated', 'CONNECTION_GONE', 'the connection of this call has ended');

export interface CertificateCallersOptions {
  connections: Connections;
  /** Null where no portal's tokens are known. */
  tokens: TokenVerifier | null;
  /** Milliseconds since 1970. */
  now(): number;
}

export class CertificateCallers implements Callers {
  readonly #connections: Connections;
  readonly #tokens: TokenVerifier | null;
  readonly #now: () => number;

  constructor({ connections, tokens, now }: CertificateCallersOptions) {
    this.#connections = connections;
    this.#tokens = tokens;
    this.#now = now;
  }

  of(call: Call): Identified {
    const proof = this.#connections.proofAt(call.getPeer());
    if (proof === null) return gone;
    if ('refusal' in proof) return proof.refusal;
    const { caller, startMs } = proof;
    if (caller.subject.kind === 'nobody') return caller;
    const nowMs = this.#now();
    if (nowMs < startMs) return notYet(startMs);
    if (nowMs >= caller.certificateEndMs) {
      const mayRenew = caller.subject.kind === 'host' && nowMs < caller.certificateEndMs + renewableMs;
      return mayRenew && ofHosts.has(call.getPath()) ? caller : expired(caller, mayRenew);
    }
    return proof.isPortal ? this.#delegate(call, caller) : caller;
  }

  /** A portal acts for whoever's token it brings, and without one for itself. */
  #delegate(call: Call, portal: Caller): Identified {
    const brought = tokenIn(call.metadata);
    if (brought === null) return portal;
    if ('kind' in brought) return brought;
    if (this.#tokens === null) {
      return refuse(
        'unauthenticated',
        'NO_ISSUER',
        'this scheduler knows no issuer whose tokens it could verify',
      );
    }
    return this.#tokens.verify(brought.token, portal, brought.administration);
  }
}

function expired({ certificateEndMs, subject }: Caller, mayRenew: boolean): Refusal {
  const since = new Date(certificateEndMs).toISOString();
  let todo = 'have another one issued';
  if (subject.kind === 'host')
    todo = mayRenew ? 'it may only be renewed' : 'have the host join again with a new token';
  return refuse(
    'unauthenticated',
    'CERTIFICATE_EXPIRED',
    `the certificate of this connection has expired at ${since}; ${todo}`,
  );
}

function notYet(startMs: number): Refusal {
  const from = new Date(startMs).toISOString();
  return refuse(
    'unauthenticated',
    'CERTIFICATE_NOT_YET_VALID',
    `the certificate of this connection is good from ${from}; compare the clocks of both machines`,
  );
}
