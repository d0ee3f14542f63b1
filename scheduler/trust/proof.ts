/**
 * What a connection's certificate proves. It is looked at once, when the connection is made; only whether its time has
 * come or gone is asked again, at every call.
 */
import type { X509Certificate } from 'node:crypto';
import { uriOf } from '../../proto/credentials.js';
import { type Caller, nobody } from '../core/access/caller.js';
import { namedBy, type Named } from '../core/access/uris.js';
import { type Refusal, refuse } from '../core/refusal.js';
import { clientUsage } from './certificates.js';
import { hashOfKey } from './signing-request.js';

/** Either a caller, for as long as the certificate lasts, or why there is none. */
export type Proof = { caller: Caller; startMs: number; isPortal: boolean } | { refusal: Refusal };

/** Who has shown no certificate. */
export const noProof: Proof = {
  caller: nobody('this connection shows no certificate; connect with one of the federation'),
  startMs: 0,
  isPortal: false,
};

/** Whose certificates are believed. */
export interface Trusted {
  signer: X509Certificate;
  federation: string;
}

/** TLS has shown that the other end has the certificate's key, and nothing else. The clock that counts is the scheduler's. */
export function proofOf(certificate: X509Certificate, trusted: Trusted): Proof {
  if (!certificate.checkIssued(trusted.signer) || !certificate.verify(trusted.signer.publicKey)) {
    return refused('WRONG_AUTHORITY', 'was not signed by the authority of this federation');
  }
  const uri = uriOf(certificate);
  if (uri === null) return refused('NO_IDENTITY', 'does not name its owner by exactly one URI');
  const named = namedBy(trusted.federation, uri);
  if (named === null) return refused('WRONG_FEDERATION', `names ${uri}, which is nobody of this federation`);
  if (named.kind === 'scheduler')
    return refused('NOT_A_CLIENT', 'is the scheduler’s own, which calls nobody');
  if (certificate.ca || !certificate.keyUsage?.includes(clientUsage))
    return refused('NOT_A_CLIENT', 'is not made for clients');
  return {
    caller: {
      identity: uri,
      onBehalf: '',
      subject: subjectOf(named, certificate),
      certificateEndMs: Date.parse(certificate.validTo),
    },
    startMs: Date.parse(certificate.validFrom),
    isPortal: named.kind === 'identity' && named.path.startsWith('/portal/'),
  };
}

function subjectOf(
  named: Exclude<Named, { kind: 'scheduler' }>,
  { serialNumber, publicKey }: X509Certificate,
): Caller['subject'] {
  const serial = serialNumber.toLowerCase();
  return named.kind === 'host'
    ? { kind: 'host', id: named.id, serial, keyHash: hashOfKey(publicKey) }
    : { kind: 'identity', id: named.id, serial };
}

function refused(reason: string, what: string): Proof {
  return { refusal: refuse('unauthenticated', reason, `the certificate of this connection ${what}`) };
}
