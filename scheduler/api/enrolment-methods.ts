/**
 * How a host comes by its certificates: Join and RenewCertificate. What a stranger shows is proved before anything is
 * signed for it, and before it is told anything about sites and hosts.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import type { JoinRequest__Output } from '../../proto/gen/secovia/v1/JoinRequest.js';
import type { RenewCertificateRequest__Output } from '../../proto/gen/secovia/v1/RenewCertificateRequest.js';
import { decodeJoinWord, type JoinWord } from '../../proto/join-token.js';
import { type Caller, shownBy } from '../core/access/caller.js';
import type { Shown } from '../core/access/certificates.js';
import { tokenRefusal, unknownToken } from '../core/access/decide-token.js';
import { hostUri } from '../core/access/uris.js';
import type { Enrolment } from '../core/commands.js';
import { renewalRefusal } from '../core/decide-enrolment.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { hostMessage, type LeaseReader } from '../render/host.js';
import type { Signed } from './authority.js';
import { Fields } from './fields.js';
import { mutation } from './methods.js';

const machineIdForm = /^[0-9a-f]{32}$/;
const rackLimit = 63;
const largestSigningRequest = 4096;
/** A host renews its certificate long before, at two thirds of this. */
export const hostCertificateMs = 7 * 24 * 3600 * 1000;

export interface EnrolmentOptions {
  /** What checkpoints are signed with: Ed25519, SPKI DER. */
  checkpointKey: Buffer;
  leaseEndMs: LeaseReader;
  /** How long hosts' certificates are good. */
  certificateMs: number;
}

export function enrolmentMethods({ checkpointKey, leaseEndMs, certificateMs }: EnrolmentOptions) {
  return {
    Join: mutation(
      (request: JoinRequest__Output, { engine, authority }, _caller, signed: Signed | null) => {
        const join = joinIn(request);
        if ('refusal' in join) return join;
        const enrolment = signed === null ? {} : { enrolment: enrolmentOf(request, signed) };
        const outcome = engine.run({ type: 'host.join', ...join, ...enrolment });
        if (outcome.refusal) return outcome;
        return {
          response: {
            host: hostMessage(engine.state, outcome.reply, leaseEndMs),
            federation: engine.state.federation.name,
            checkpointKey,
            certificateChain: outcome.reply.enrolled?.chainPem ?? '',
            authority: authority?.rootPem ?? '',
          },
        };
      },
      (request, { engine, authority }) => {
        const join = joinIn(request);
        if ('refusal' in join) return join.refusal;
        if (authority === null) return Promise.resolve(null);
        const refusal = strangerRefusal(engine, request, join);
        if (refusal) return refusal;
        const uri = hostUri(engine.state.federation.name, join.id);
        return authority.issue(request.signingRequest, uri, engine.now(), certificateMs);
      },
    ),

    RenewCertificate: mutation(
      (_request: RenewCertificateRequest__Output, { engine, authority }, caller, signed: Signed) => {
        const asking = renewing(caller);
        if ('kind' in asking) return { refusal: asking };
        const { certificate, keyHash, chainPem } = signed;
        const outcome = engine.run({ type: 'host.renew', ...asking, certificate, keyHash });
        if (outcome.refusal) return outcome;
        return { response: { certificateChain: chainPem, authority: authority?.rootPem ?? '' } };
      },
      (request, { engine, authority }, caller) => {
        const asking = renewing(caller);
        if ('kind' in asking) return asking;
        if (authority === null) return noCertificate;
        const { id, shown } = asking;
        const refusal =
          signingRequestRefusal(request.signingRequest) ??
          renewalRefusal(engine.state, id, shown, engine.now());
        if (refusal) return refusal;
        const uri = hostUri(engine.state.federation.name, id);
        return authority.issue(request.signingRequest, uri, engine.now(), certificateMs);
      },
    ),
  };
}

const noCertificate = refuse(
  'precondition',
  'NO_CERTIFICATE',
  'this connection shows no certificate of a host',
);

function renewing(caller: Caller): { id: string; shown: Shown } | Refusal {
  const shown = shownBy(caller);
  return shown === null || caller.subject.kind !== 'host' ? noCertificate : { id: caller.subject.id, shown };
}

interface Joining {
  id: string;
  site: string;
  rack: string;
  machineId: string;
}

function joinIn(request: JoinRequest__Output): Joining | { refusal: Refusal } {
  const { machineId } = request;
  const fields = new Fields();
  const id = fields.hostId('host_id', request.hostId);
  const site = fields.name('site', 'site', request.site);
  const rack = fields.text('rack', request.rack, rackLimit);
  if (!machineIdForm.test(machineId)) {
    fields.fault('machine_id', 'must be 32 lower-case hexadecimal digits, as in /etc/machine-id');
  }
  return fields.refusal ? { refusal: fields.refusal } : { id, site, rack, machineId };
}

/** What can be said against a call from somebody unknown without any work and without giving anything away. */
function strangerRefusal(
  engine: Engine,
  { token, signingRequest }: JoinRequest__Output,
  host: Joining,
): Refusal | null {
  const word = decodeJoinWord(token);
  if (typeof word === 'string') return refuse('unauthenticated', 'NO_TOKEN', word);
  const known = engine.state.access.tokens.get(word.token);
  if (known === undefined || !isHashOf(known.secretHash, word)) return unknownToken;
  return tokenRefusal(known, host, engine.now()) ?? signingRequestRefusal(signingRequest);
}

function isHashOf(secretHash: string, word: JoinWord): boolean {
  return timingSafeEqual(Buffer.from(secretHash, 'hex'), Buffer.from(secretHashOf(word), 'hex'));
}

function secretHashOf({ secret }: JoinWord): string {
  return hash('sha256', Buffer.from(secret, 'base64url'), 'hex');
}

function signingRequestRefusal(signingRequest: Buffer): Refusal | null {
  if (signingRequest.length > 0 && signingRequest.length <= largestSigningRequest) return null;
  const fields = new Fields();
  fields.fault(
    'signing_request',
    `must be a PKCS#10 request (DER) of at most ${largestSigningRequest} bytes`,
  );
  return fields.refusal;
}

function enrolmentOf({ token }: JoinRequest__Output, signed: Signed): Enrolment {
  const word = decodeJoinWord(token) as JoinWord;
  const { certificate, keyHash, chainPem } = signed;
  return { token: word.token, secretHash: secretHashOf(word), keyHash, certificate, chainPem };
}
