/**
 * What a caller stands for now. A connection lives for days, and what its certificate proves is the same all the time;
 * whether that is still good is looked up at every call, so that whoever is disabled, revoked or taken away is refused
 * with the next one. It is a few look-ups in maps.
 */
import { certificateRefusal, hostRefusal } from '../decide-enrolment.js';
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { type Caller, type Standing, type Subject, shownBy } from './caller.js';
import { isRenewable } from './certificates.js';
import type { Certificate, Identity } from './model.js';
import { hostUri, identityUri } from './uris.js';

export type Stands = { standing: Standing; refusal?: undefined } | { refusal: Refusal };

const insecure: Stands = { standing: { role: 'insecure' } };
const nobody: Stands = { standing: { role: 'nobody' } };

export function standingOf(state: State, caller: Caller, nowMs: number): Stands {
  const { subject } = caller;
  switch (subject.kind) {
    case 'insecure':
      return insecure;
    case 'nobody':
      return nobody;
    case 'host':
      return standingOfHost(state, caller, subject.id, nowMs);
    case 'identity': {
      const found = identityOf(state, caller, subject.id, subject.serial, nowMs);
      return found.refusal ? found : ofIdentity(state, found.identity);
    }
    case 'delegate':
      return standingOfDelegate(state, caller, subject, nowMs);
  }
}

function ofIdentity(state: State, { id, role, partner, administration }: Identity): Stands {
  const standing: Standing = { role, identity: id };
  if (partner !== null) {
    if (!state.tenancy.partners.has(partner)) return gone('partner');
    standing.partner = partner;
  }
  if (administration !== null) {
    if (!state.administrations.has(administration)) return gone('administration');
    standing.administration = administration;
  }
  return { standing };
}

function gone(what: string): Stands {
  return { refusal: refuse('denied', 'SCOPE_GONE', `the ${what} of this identity is not there any more`) };
}

/** A portal that speaks for somebody: both have to be good, and the administration one that the portal serves. */
function standingOfDelegate(
  state: State,
  caller: Caller,
  { portal, serial, administration, role }: Subject & { kind: 'delegate' },
  nowMs: number,
): Stands {
  const found = identityOf(state, caller, portal, serial, nowMs);
  if (found.refusal) return found;
  const { identity } = found;
  const serves =
    identity.role === 'portal' &&
    state.administrations.has(administration) &&
    identity.serves.some((top) => state.isWithin(administration, top));
  if (!serves) {
    // One that does not exist is not served either.
    const message = `portal "${portal}" does not serve administration "${administration}"`;
    return { refusal: refuse('denied', 'NOT_SERVED', message) };
  }
  return { standing: { role, administration, delegated: true } };
}

/** An identity that is good, with a certificate that is. */
function identityOf(
  state: State,
  { identity: uri }: Caller,
  id: string,
  serial: string,
  nowMs: number,
): { identity: Identity; refusal?: undefined } | { refusal: Refusal } {
  const identity = state.access.identities.get(id);
  // What was deleted and made anew as something else is another identity.
  if (identity === undefined || identityUri(state.federation.name, identity) !== uri)
    return { refusal: unknown('the identity that the certificate names does not exist any more') };
  if (identity.disabled) {
    const message = `identity "${id}" is disabled; an administrator can enable it again`;
    return { refusal: refuse('unauthenticated', 'IDENTITY_DISABLED', message) };
  }
  const certificate = certificateOf(identity.certificates, serial);
  const refusal = refuseCertificate(certificate, nowMs);
  return refusal ? { refusal } : { identity };
}

function standingOfHost(state: State, caller: Caller, id: string, nowMs: number): Stands {
  const host = state.hosts.get(id);
  const shown = shownBy(caller);
  if (host === undefined || shown === null || hostUri(state.federation.name, id) !== caller.identity)
    return { refusal: unknown('the host that the certificate names does not exist any more') };
  const unwanted = hostRefusal(host, id);
  if (unwanted) return { refusal: { ...unwanted, kind: 'unauthenticated' } };
  const unproven = certificateRefusal(state, host, shown, nowMs);
  if (unproven === null) return { standing: { role: 'host', host: id } };
  return isRenewable(host.certificates ?? [], shown, nowMs)
    ? { standing: { role: 'host', host: id, renewsOnly: true } }
    : { refusal: unproven };
}

function certificateOf(certificates: readonly Certificate[], serial: string): Certificate | undefined {
  // The one in use is most often the newest.
  for (let at = certificates.length - 1; at >= 0; at -= 1)
    if (certificates[at]?.serial === serial) return certificates[at];
  return undefined;
}

function refuseCertificate(certificate: Certificate | undefined, nowMs: number): Refusal | null {
  if (certificate === undefined) return unrecorded;
  if (certificate.revokedMs !== undefined) return revoked;
  return certificate.endMs > nowMs ? null : expired;
}

function unknown(message: string): Refusal {
  return refuse('unauthenticated', 'IDENTITY_UNKNOWN', message);
}

const unrecorded = refuse(
  'unauthenticated',
  'CERTIFICATE_UNKNOWN',
  'the certificate is not in the record of its owner; have a new one issued',
);
const revoked = refuse(
  'unauthenticated',
  'CERTIFICATE_REVOKED',
  'the certificate was revoked; have a new one issued',
);
const expired = refuse(
  'unauthenticated',
  'CERTIFICATE_EXPIRED',
  'the certificate has expired; have a new one issued',
);
/** To a host that may renew its certificate, and do nothing else until it has. */
export const renewFirst = refuse(
  'unauthenticated',
  'CERTIFICATE_REFUSED',
  'the certificate has expired; renew it first',
);
